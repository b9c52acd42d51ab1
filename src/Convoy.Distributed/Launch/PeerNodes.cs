using System.Net;
using System.Net.Sockets;
using Convoy.Distributed.Launch.Membership;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Launch;

/// <summary>
/// The launchers of the other machines, met at the store that the launcher of node 0 serves: this launcher's place among them, and what it hears from node 0, whose
/// <see cref="NodeCoordinator"/> decides.
/// </summary>
internal sealed class PeerNodes : IDisposable
{
    private static readonly TimeSpan LeaveTimeout = TimeSpan.FromSeconds(10);

    private readonly LauncherOptions _options;
    private readonly Store _store;
    private readonly NodeIntroduction _first;
    private readonly long _ticket;
    private readonly SignsOfLife _signs;
    private readonly NodeCoordinator? _coordinator;

    private PeerNodes(LauncherOptions options, Store store, NodeIntroduction first, long ticket, NodeCoordinator? coordinator)
    {
        (_options, _store, _first, _ticket, _coordinator) = (options, store, first, ticket, coordinator);
        Board = new JobBoard(store);
        _signs = new SignsOfLife(Board, ticket, Interval, TimeSpan.FromSeconds(options.NodeTimeoutSeconds), TimeProvider.System);
    }

    /// <summary>Where the launchers meet.</summary>
    public JobBoard Board { get; }

    /// <summary>Whether this launcher serves the store, and so is node 0.</summary>
    public bool IsFirst => _coordinator is not null;

    /// <summary>How often the group is started again after a failure: the setting of node 0.</summary>
    public int MaxRestarts => _first.MaxRestarts;

    /// <summary>Ends when node 0 is lost to this launcher, or this launcher to node 0, with the reason.</summary>
    public Task<string> Lost => _signs.Lost;

    /// <summary>The time between two looks at the store.</summary>
    public TimeSpan Interval => TimeSpan.FromSeconds(_options.MonitorIntervalSeconds);

    /// <summary>Meets node 0's launcher, or becomes it, unless it was lost and is to be found again.</summary>
    /// <param name="options">This launcher's settings.</param>
    /// <param name="runId">The job's name.</param>
    /// <param name="listenAt">Where node 0 serves the store.</param>
    /// <param name="patience">How long to try to reach node 0.</param>
    /// <param name="again">Whether this launcher has lost node 0 before.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="PeerNodeException">Node 0 has other settings.</exception>
    /// <exception cref="RendezvousException">The store cannot be served or reached, or the secrets differ.</exception>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public static async Task<PeerNodes> JoinAsync(LauncherOptions options, string runId, IPAddress listenAt, TimeSpan patience, bool again, CancellationToken cancellation)
    {
        Task<PeerNodes> joining = Task.Run(() => Join(options, runId, listenAt, patience, again), CancellationToken.None);
        try
        {
            return await joining.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The blocking wait goes on; whatever it gets is closed again.
            _ = joining.ContinueWith(late => late.Result.Dispose(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
            throw;
        }
    }

    /// <summary>Waits for a start in which this machine takes part.</summary>
    /// <param name="earliest">The number of the first start that counts.</param>
    /// <param name="onSpare">Called once when there is a start without this machine.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The start, or how the job ended before there was one.</returns>
    /// <exception cref="PeerNodeException">This machine is refused.</exception>
    /// <exception cref="NodeLostException">Node 0 is lost.</exception>
    public async Task<(NodeStart? Start, JobEnd? End)> NextStartAsync(int earliest, Action<NodeStart> onSpare, CancellationToken cancellation)
    {
        int number = earliest;
        bool isSpare = false;
        while (true)
        {
            RequireContact();
            try
            {
                if (Board.Refusal(_ticket) is { } refusal)
                {
                    throw new PeerNodeException(refusal);
                }

                if (Board.Start(number) is { } start)
                {
                    if (start.NodeRankOf(_ticket) is not null)
                    {
                        return (start, null);
                    }

                    if (!isSpare)
                    {
                        onSpare(start);
                        isSpare = true;
                    }

                    number++;
                    continue;
                }

                if (Board.FindEnd() is { } end)
                {
                    return (null, end);
                }
            }
            catch (RendezvousException lost)
            {
                throw new NodeLostException(DescribeLoss(lost.Message), lost);
            }

            await Task.WhenAny(Task.Delay(Interval, cancellation), Lost).ConfigureAwait(false);
            cancellation.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Tells the others that the workers' store of a start is there (node 0), or waits until it is.</summary>
    /// <exception cref="NodeLostException">Node 0 is lost.</exception>
    public async Task MeetAtStartAsync(int start)
    {
        if (IsFirst)
        {
            Board.SetReady(start);
            return;
        }

        try
        {
            // When another machine cannot begin, this one's workers are ended as soon as they are started.
            while (!Board.IsReady(start) && Board.FindEnd() is null && !Board.IsAskedToStop(start))
            {
                RequireContact();
                await Task.WhenAny(Task.Delay(Interval), Lost).ConfigureAwait(false);
            }
        }
        catch (RendezvousException lost)
        {
            throw new NodeLostException(DescribeLoss(lost.Message), lost);
        }
    }

    /// <summary>This machine's ranks in a start: those of the machines before it come first.</summary>
    public NodePlace PlaceIn(NodeStart start)
    {
        int rank = start.NodeRankOf(_ticket)!.Value;
        return new NodePlace(rank, start.Nodes.Count, start.Nodes.Take(rank).Sum(node => node.ProcessCount), start.Nodes.Sum(node => node.ProcessCount));
    }

    /// <summary>Says how this machine's workers fared.</summary>
    public void Report(int start, NodeReport report) => Board.Report(start, _ticket, report);

    /// <summary>What to say when node 0 is lost.</summary>
    public string DescribeLoss(string reason) => IsFirst ? reason : $"the launcher of node 0 ({_first.Host}) is lost: {reason}";

    /// <summary>Throws when node 0 is lost.</summary>
    /// <exception cref="NodeLostException">It is.</exception>
    public void RequireContact()
    {
        if (Lost.IsCompletedSuccessfully)
        {
            throw new NodeLostException(DescribeLoss(Lost.Result), null);
        }
    }

    /// <summary>Ends the job for all machines, because this one's user has interrupted it while no workers run.</summary>
    public void InterruptJob()
    {
        _coordinator?.Dispose();
        try
        {
            Board.End(new JobEnd(null, Interrupted: true));
        }
        catch (RendezvousException) when (!IsFirst)
        {
            // Node 0 is gone; there is nobody left to be told.
        }
    }

    /// <summary>Says that this launcher needs the store no more; node 0 stays a moment for the others.</summary>
    public async Task LeaveAsync()
    {
        _signs.Dispose();
        try
        {
            Board.Leave(_ticket);
            if (_coordinator is not null)
            {
                _coordinator.Dispose(); // From now on nobody changes the members.
                await _coordinator.StayAsync(LeaveTimeout).ConfigureAwait(false);
            }
        }
        catch (RendezvousException) when (!IsFirst)
        {
            // Node 0 has given up waiting; there is nothing left to tell it.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _signs.Dispose();
        _coordinator?.Dispose();
        _store.Dispose();
    }

    private static PeerNodes Join(LauncherOptions options, string runId, IPAddress listenAt, TimeSpan patience, bool again)
    {
        TcpStoreServer? server = again ? null : Serve(options, listenAt);
        TcpStore store;
        try
        {
            string host = server is null ? options.MasterAddress : listenAt.AddressFamily == AddressFamily.InterNetworkV6 ? "::1" : IPAddress.IsLoopback(listenAt) ? listenAt.ToString() : "127.0.0.1";
            store = new TcpStore(host, options.MeetingPort, options.JobSecret, patience, server);
        }
        catch
        {
            server?.Dispose();
            throw;
        }

        try
        {
            return Introduce(options, store, runId, isFirst: server is not null, patience);
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    // Without a number the machine at whose address all meet is node 0: who gets the port there, when several launchers run on it.
    private static TcpStoreServer? Serve(LauncherOptions options, IPAddress listenAt)
    {
        if (options.NodeRank is not (null or 0) || (options.NodeRank is null && !JobMaster.IsOfThisMachine(options.MasterAddress)))
        {
            return null;
        }

        try
        {
            return new TcpStoreServer(listenAt, options.MeetingPort, options.JobSecret);
        }
        catch (RendezvousException taken) when (options.NodeRank is null && taken.InnerException is SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse })
        {
            return null;
        }
    }

    private static PeerNodes Introduce(LauncherOptions options, TcpStore store, string runId, bool isFirst, TimeSpan patience)
    {
        var board = new JobBoard(store);
        var own = new NodeIntroduction(Environment.MachineName, options.ProcessCount, isFirst ? 0 : options.NodeRank, options.NodeCount, options.LeastNodeCount, runId, options.MaxRestarts);
        if (isFirst)
        {
            board.Open(own);
        }

        // What differs is found before node 0 counts on this one.
        NodeIntroduction first = isFirst ? own : board.ReadJob(patience);
        if (own.DifferenceFrom(first) is var (setting, mine, theirs))
        {
            throw new PeerNodeException($"the launchers have different settings ({setting}: {mine} here, {theirs} on node 0). Give all launchers the same.");
        }

        long ticket = board.Arrive(own);
        NodeCoordinator? coordinator = isFirst ? NodeCoordinator.Begin(options, board, own, ticket) : null;
        return new PeerNodes(options, store, first, ticket, coordinator);
    }
}

/// <summary>What one machine's launcher tells the others at the end of a start.</summary>
/// <param name="Failures">Its workers that failed, the likely cause first.</param>
/// <param name="Interrupted">Whether its user interrupted it.</param>
/// <param name="Error">Why it could not run its workers; null: it ran them.</param>
internal sealed record NodeReport(IReadOnlyList<WorkerFailure> Failures, bool Interrupted, string? Error)
{
    /// <summary>Its workers that failed, the likely cause first.</summary>
    /// <exception cref="System.Text.Json.JsonException">One is null, in a report from elsewhere.</exception>
    public IReadOnlyList<WorkerFailure> Failures { get; } = Failures.Any(failure => failure is null) ? throw new System.Text.Json.JsonException("a failure is null") : Failures;

    /// <summary>Whether all its workers had ended with exit code 0 before anybody asked for their end.</summary>
    public bool Finished { get; init; }

    /// <summary>Whether node 0 lost it, and says so in its place.</summary>
    public bool Lost { get; init; }
}

/// <summary>Node 0 is lost to this launcher, or this launcher to node 0.</summary>
internal sealed class NodeLostException(string message, Exception? innerException) : Exception(message, innerException);
