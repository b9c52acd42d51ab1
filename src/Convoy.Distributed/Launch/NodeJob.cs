using Convoy.Distributed.Launch.Membership;

namespace Convoy.Distributed.Launch;

/// <summary>
/// This machine's part of a job of several: start after start, until the job has ended, or node 0 is lost to it.
/// </summary>
/// <param name="peers">The other launchers.</param>
/// <param name="options">This launcher's settings.</param>
/// <param name="runWorkers">Runs this machine's workers.</param>
internal sealed class NodeJob(PeerNodes peers, LauncherOptions options, RunNodeWorkers runWorkers)
{
    private IReadOnlyList<int> _exitCodes = [];
    private int _restarts;

    /// <summary>Runs the workers of all starts in which this machine takes part.</summary>
    /// <param name="cancellation">Interrupts the job; where the number of machines may change, and this is not node 0: this machine's part alone.</param>
    /// <exception cref="PeerNodeException">The others did not come, do not fit, could not run their workers, or are lost.</exception>
    /// <exception cref="NodeLostException">Node 0 is lost to this launcher.</exception>
    public async Task<LaunchResult> RunAsync(CancellationToken cancellation)
    {
        for (int earliest = 0; ;)
        {
            NodeStart? start;
            JobEnd? end;
            try
            {
                (start, end) = await peers.NextStartAsync(earliest, TellSpare, cancellation).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                if (peers.IsFirst || options.LeastNodeCount == options.NodeCount)
                {
                    peers.InterruptJob();
                }

                await peers.LeaveAsync().ConfigureAwait(false);
                return new LaunchResult([], null, Interrupted: true, _restarts);
            }

            if (start is null)
            {
                return await EndWithoutAsync(end!).ConfigureAwait(false);
            }

            _restarts = start.Restarts;
            (GroupOutcome own, NodeOutcome? outcome) = await RunStartAsync(start, cancellation).ConfigureAwait(false);
            _exitCodes = own.ExitCodes;
            if (outcome is null)
            {
                await peers.LeaveAsync().ConfigureAwait(false);
                return new LaunchResult(_exitCodes, null, Interrupted: true, _restarts) { SeveralNodes = true };
            }

            if (outcome.Next == NextStep.End)
            {
                await peers.LeaveAsync().ConfigureAwait(false);
                return outcome.Error is { } error ? throw new PeerNodeException(error) : LaunchResult.From(_exitCodes, outcome.Failures, outcome.Interrupted, _restarts, severalNodes: true);
            }

            TellAgain(outcome);
            earliest = start.Number + 1;
        }
    }

    private async Task<LaunchResult> EndWithoutAsync(JobEnd end)
    {
        await peers.LeaveAsync().ConfigureAwait(false);
        if (end.Error is { } error)
        {
            throw new PeerNodeException(error);
        }

        options.OnNotice?.Invoke("the job has ended without this machine.");
        return new LaunchResult(_exitCodes, null, end.Interrupted, _restarts) { SeveralNodes = true };
    }

    private void TellSpare(NodeStart start) => options.OnNotice?.Invoke(
        FormattableString.Invariant($"the job runs on {start.Nodes.Count} of at most {options.NodeCount} machines ({string.Join(", ", start.Nodes.Select(node => node.Host))}): this one waits for its next start."));

    private void TellAgain(NodeOutcome outcome)
    {
        if (outcome is { Next: NextStep.Restart, Error: null, Cause: { } cause })
        {
            options.OnRestart?.Invoke(cause, _restarts + 1);
        }
        else
        {
            string counted = outcome.Next == NextStep.Restart ? FormattableString.Invariant($"restart {_restarts + 1} of {peers.MaxRestarts}") : "all start again";
            options.OnNotice?.Invoke($"{counted}: {outcome.Error?.TrimEnd('.')}.");
        }
    }

    // The outcome is null when this machine leaves the job.
    private async Task<(GroupOutcome Own, NodeOutcome? Outcome)> RunStartAsync(NodeStart start, CancellationToken cancellation)
    {
        var stop = new TaskCompletionSource<StopReason>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var ended = new CancellationTokenSource();
        Task watching = WatchAsync(start.Number, stop, ended.Token);
        bool leaves = false;
        GroupOutcome outcome;
        try
        {
            outcome = await runWorkers(start, stop.Task, AskToStop, cancellation).ConfigureAwait(false);
        }
        catch (Exception error) when (error is not NodeLostException)
        {
            // The others hear of it and end; the error itself is this launcher's to tell.
            await ended.CancelAsync().ConfigureAwait(false);
            await TryReportAsync(start.Number, new NodeReport([], false, error.Message.TrimEnd('.'))).ConfigureAwait(false);
            throw;
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
            await watching.ConfigureAwait(false);
        }

        peers.RequireContact();
        try
        {
            peers.Report(start.Number, new NodeReport(outcome.Failures, outcome.Interrupted, null) { Finished = outcome.Finished });
            return (outcome, leaves && outcome.Interrupted ? null : await OutcomeAsync(start.Number).ConfigureAwait(false));
        }
        catch (RendezvousException lost)
        {
            throw new NodeLostException(peers.DescribeLoss(lost.Message), lost);
        }

        void AskToStop(StopReason reason)
        {
            leaves = reason == StopReason.Interrupt && !peers.IsFirst && options.LeastNodeCount < options.NodeCount;
            try
            {
                peers.Board.AskToStop(start.Number, (leaves ? StopReason.Membership : reason).ToString());
            }
            catch (RendezvousException)
            {
                // The signs of life notice it, and it is told with them.
                return;
            }
        }
    }

    private async Task TryReportAsync(int start, NodeReport report)
    {
        try
        {
            peers.Board.AskToStop(start, nameof(StopReason.Failure));
            peers.Report(start, report);
            await OutcomeAsync(start).ConfigureAwait(false);
            await peers.LeaveAsync().ConfigureAwait(false);
        }
        catch (Exception lost) when (lost is RendezvousException or NodeLostException)
        {
            // Nobody is left to be told.
            return;
        }
    }

    private async Task WatchAsync(int start, TaskCompletionSource<StopReason> stop, CancellationToken ended)
    {
        try
        {
            while (!stop.Task.IsCompleted && !ended.IsCancellationRequested)
            {
                if (peers.Lost.IsCompleted)
                {
                    stop.TrySetResult(StopReason.Failure);
                }

                if (peers.Board.IsAskedToStop(start))
                {
                    stop.TrySetResult(((StopReason[])[StopReason.Interrupt, StopReason.Failure, StopReason.Membership]).First(reason => peers.Board.IsAskedToStop(start, reason.ToString())));
                }

                await Task.WhenAny(Task.Delay(peers.Interval, ended), peers.Lost).ConfigureAwait(false);
            }
        }
        catch (RendezvousException)
        {
            // Told when the workers have ended.
            stop.TrySetResult(StopReason.Failure);
        }
    }

    private async Task<NodeOutcome> OutcomeAsync(int start)
    {
        while (true)
        {
            if (peers.Board.FindOutcome<NodeOutcome>(start) is { } outcome)
            {
                return outcome;
            }

            peers.RequireContact();
            await Task.WhenAny(Task.Delay(peers.Interval), peers.Lost).ConfigureAwait(false);
        }
    }
}

/// <summary>Runs this machine's workers of a start.</summary>
/// <param name="start">The start.</param>
/// <param name="elsewhere">Ends when another machine wants the workers ended.</param>
/// <param name="onStopping">Called when the workers are about to be ended because of something on this machine.</param>
/// <param name="cancellation">Interrupts them.</param>
internal delegate Task<GroupOutcome> RunNodeWorkers(NodeStart start, Task<StopReason> elsewhere, Action<StopReason> onStopping, CancellationToken cancellation);
