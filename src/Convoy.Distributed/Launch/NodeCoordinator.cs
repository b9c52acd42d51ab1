using Convoy.Distributed.Launch.Membership;

namespace Convoy.Distributed.Launch;

/// <summary>
/// Node 0's part among the launchers: it sees who comes, who is lost and who waits, decides which machines each start has, and what follows when it has ended on all of them.
/// </summary>
internal sealed class NodeCoordinator : IDisposable
{
    private readonly LauncherOptions _options;
    private readonly JobBoard _board;
    private readonly NodeMembership _membership;
    private readonly long _first;
    private readonly CancellationTokenSource _stop = new();
    private readonly HashSet<long> _unread = [];
    private readonly Dictionary<long, NodeReport> _reports = [];
    private NodeStart? _start;
    private long _arrived;
    private int _nextNumber;
    private int _restarts;
    private bool _stopping;
    private string? _newcomers;

    private NodeCoordinator(LauncherOptions options, JobBoard board, NodeIntroduction job, long ticket)
    {
        (_options, _board, _first) = (options, board, ticket);
        var times = new MembershipTimes(TimeSpan.FromSeconds(options.JoinTimeoutSeconds), TimeSpan.FromSeconds(options.LastCallSeconds), TimeSpan.FromSeconds(options.NodeTimeoutSeconds));
        _membership = new NodeMembership(job, ticket, times, TimeProvider.System);
    }

    private TimeSpan Interval => TimeSpan.FromSeconds(_options.MonitorIntervalSeconds);

    /// <summary>Begins to gather the machines of the first start.</summary>
    /// <param name="options">Node 0's settings.</param>
    /// <param name="board">Where the launchers meet.</param>
    /// <param name="job">Node 0's introduction, whose settings are the job's.</param>
    /// <param name="ticket">Node 0's ticket.</param>
    public static NodeCoordinator Begin(LauncherOptions options, JobBoard board, NodeIntroduction job, long ticket)
    {
        var coordinator = new NodeCoordinator(options, board, job, ticket);
        _ = coordinator.RunAsync();
        return coordinator;
    }

    /// <summary>Waits, at the job's end, until the launchers that were there need the store no longer.</summary>
    public async Task StayAsync(TimeSpan most)
    {
        long began = TimeProvider.System.GetTimestamp();
        while (_membership.Tickets.Any(ticket => !_board.HasLeft(ticket)) && TimeProvider.System.GetElapsedTime(began) < most)
        {
            await Task.Delay(Interval).ConfigureAwait(false);
        }
    }

    /// <summary>Ends it.</summary>
    public void Dispose() => _stop.Cancel();

    private async Task RunAsync()
    {
        try
        {
            _membership.Gather();
            JobEnd? end;
            while ((end = Step()) is null)
            {
                await Task.Delay(Interval, _stop.Token).ConfigureAwait(false);
            }

            _board.End(end);
        }
        catch (OperationCanceledException)
        {
            // Node 0's launcher gives up, and the store ends with it: for the others it is lost.
        }
        catch (ObjectDisposedException)
        {
            // The same, in the middle of a look.
        }
        catch (Exception error)
        {
            // Whatever it is, node 0's own launcher and the others hear of it as of any other end: they wait for what this one decides.
            TryEnd(error.Message);
        }
    }

    private void TryEnd(string error)
    {
        try
        {
            _board.End(new JobEnd(error, false));
        }
        catch (Exception gone) when (gone is DistributedException or ObjectDisposedException)
        {
            // The store is gone, which each launcher sees for itself.
            return;
        }
    }

    // One look at everything; the job's end when it has come.
    private JobEnd? Step()
    {
        Look();
        if (_start is { } start)
        {
            return Follow(start);
        }

        if (_membership.TryStart(_nextNumber, _restarts) is { } next)
        {
            _reports.Clear();
            (_start, _stopping, _newcomers) = (next, false, null);
            _nextNumber++;
            _board.Begin(next);
            return null;
        }

        return _membership.Overdue() is { } overdue ? new JobEnd(overdue, false) : null;
    }

    private void Look()
    {
        for (long arrived = _board.Arrived; _arrived < arrived;)
        {
            _unread.Add(++_arrived);
        }

        foreach (long ticket in _unread.ToArray())
        {
            try
            {
                if (_board.Arrival(ticket) is not { } node)
                {
                    continue;
                }

                _membership.Arrive(ticket, node);
            }
            catch (UnreadableEntryException unreadable)
            {
                _board.Refuse(ticket, unreadable.Message);
            }

            _unread.Remove(ticket);
        }

        foreach (long ticket in _membership.Tickets)
        {
            _membership.Hear(ticket, _board.Beats(ticket));
            if (_start?.NodeRankOf(ticket) is null && _board.HasLeft(ticket))
            {
                _membership.Remove(ticket);
            }
        }

        foreach ((long ticket, string reason) in _membership.TakeRivals())
        {
            _board.Refuse(ticket, reason);
        }

        foreach (long ticket in _membership.TakeSilent())
        {
            _board.MarkLost(ticket);
            if (_start?.NodeRankOf(ticket) is not null && !_reports.ContainsKey(ticket))
            {
                _reports[ticket] = new NodeReport([], false, FormattableString.Invariant(
                    $"there was no sign of life for {_options.NodeTimeoutSeconds:0.###} s. Check whether the machine and its launcher are still running")) { Lost = true };
                Stop(_start, StopReason.Failure);
            }
        }
    }

    private void Stop(NodeStart start, StopReason reason)
    {
        _stopping = true;
        _board.AskToStop(start.Number, reason.ToString());
    }

    // A start that runs.
    private JobEnd? Follow(NodeStart start)
    {
        foreach (StartNode node in start.Nodes.Where(node => !_reports.ContainsKey(node.Ticket)))
        {
            try
            {
                if (_board.FindReport<NodeReport>(start.Number, node.Ticket) is { } report)
                {
                    _reports[node.Ticket] = report;
                }
            }
            catch (UnreadableEntryException unreadable)
            {
                _reports[node.Ticket] = new NodeReport([], false, unreadable.Message.TrimEnd('.'));
            }
        }

        if (_reports.Count == start.Nodes.Count)
        {
            return Conclude(start, [.. start.Nodes.Select(node => _reports[node.Ticket])]);
        }

        _stopping = _stopping || _reports.Count > 0 || _board.IsAskedToStop(start.Number);
        if (!_stopping && _membership.IsNewcomerDue())
        {
            _newcomers = _membership.Newcomers();
            Stop(start, StopReason.Membership);
        }

        return null;
    }

    private JobEnd? Conclude(NodeStart start, IReadOnlyList<NodeReport> reports)
    {
        NodeOutcome outcome = NodeOutcome.Of(start, reports, _membership.IsElastic, _newcomers, _options.MaxRestarts);
        if (outcome.Next == NextStep.End)
        {
            _board.Conclude(start.Number, outcome);
            return new JobEnd(outcome.Error ?? (outcome.Cause is { } cause ? cause.DescribeWithNode() + "." : null), outcome.Interrupted);
        }

        // At the job's end nobody is taken out: all of them still have to read how it ended.
        foreach ((StartNode node, NodeReport report) in start.Nodes.Zip(reports).Where(each => each.Second.Interrupted || each.Second.Error is not null))
        {
            _membership.Remove(node.Ticket);
        }

        _restarts += outcome.Next == NextStep.Restart ? 1 : 0;
        _start = null;
        _membership.Gather();
        _board.Conclude(start.Number, outcome);
        return null;
    }
}
