using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Launch;

/// <summary>
/// The launchers of the other machines, met in a store that the launcher of node 0 serves. They start together, end their
/// workers together when one fails, and all know in the end how every machine fared.
/// </summary>
/// <remarks>
/// Keys: <c>node/{k}</c> introduces a launcher, <c>beat/{k}</c> counts its signs of life, <c>{start}/ready</c> says that the
/// workers' store of a start is there, <c>{start}/stop/{reason}</c> counts who wants all to end, <c>{start}/end/{k}</c> is a
/// launcher's report and <c>{start}/ended</c> their number, <c>left</c> counts who needs the store no more.
/// </remarks>
internal sealed class PeerNodes : IDisposable
{
    private static readonly JsonSerializerOptions Format = new() { RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true };

    private static readonly TimeSpan LeaveTimeout = TimeSpan.FromSeconds(10);

    private readonly LauncherOptions _options;
    private readonly Store _store;
    private readonly Dictionary<int, (long Count, long Since)> _beats = [];
    private IReadOnlyList<NodeIntroduction> _nodes = [];

    private PeerNodes(LauncherOptions options, Store store)
    {
        _options = options;
        _store = store;
    }

    /// <summary>How often the group is started again: what node 0 was told.</summary>
    public int MaxRestarts => _nodes[0].MaxRestarts;

    /// <summary>This machine's ranks: those of the machines before it come first.</summary>
    public NodePlace Place => new(_options.NodeRank, _nodes.Count, _nodes.Take(_options.NodeRank).Sum(n => n.ProcessCount), _nodes.Sum(n => n.ProcessCount));

    /// <summary>The meeting port's neighbour, where the workers of all machines find the job's store.</summary>
    public int WorkersPort => _options.MeetingPort + 1;

    private TimeSpan Interval => TimeSpan.FromSeconds(_options.MonitorIntervalSeconds);

    /// <summary>Meets the other launchers; returns when all have come.</summary>
    /// <exception cref="PeerNodeException">Some did not arrive in time, or were told something else.</exception>
    /// <exception cref="RendezvousException">The store cannot be served or reached, or the secrets differ.</exception>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public static async Task<PeerNodes> JoinAsync(LauncherOptions options, string runId, IPAddress listenAt, CancellationToken cancellation)
    {
        Task<PeerNodes> joining = Task.Run(() => Join(options, runId, listenAt), CancellationToken.None);
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

    /// <summary>Tells the others that the workers' store of a start is there (node 0), or waits until it is.</summary>
    public async Task MeetAtStartAsync(int start)
    {
        if (_options.NodeRank == 0)
        {
            _store.Set($"{start}/ready", "1");
        }
        else
        {
            await Task.Run(() => _store.Wait([$"{start}/ready"], TimeSpan.FromSeconds(_options.NodeTimeoutSeconds))).ConfigureAwait(false);
        }
    }

    /// <summary>Asks all launchers to end their workers.</summary>
    public void AskToStop(int start, StopReason reason) => _store.Add(StopKey(start, reason), 1);

    /// <summary>
    /// Watches the other launchers from the beginning of a start to its end on all machines, giving signs of life meanwhile.
    /// </summary>
    /// <param name="start">The start's number.</param>
    /// <param name="stop">Gets the reason when another launcher asks to stop, or is lost.</param>
    /// <param name="report">This machine's report, once its workers have ended.</param>
    /// <returns>The reports of all machines, by their number.</returns>
    /// <exception cref="PeerNodeException">Node 0 is lost, and with it what the others said.</exception>
    public async Task<IReadOnlyList<NodeReport>> WatchAsync(int start, TaskCompletionSource<StopReason> stop, Task<NodeReport> report)
    {
        bool reported = false;
        try
        {
            _beats.Clear();
            while (true)
            {
                if (!reported && report.IsCompletedSuccessfully)
                {
                    Report(start, _options.NodeRank, await report.ConfigureAwait(false));
                    reported = true;
                }

                if (reported && _store.Add($"{start}/ended", 0) >= _nodes.Count)
                {
                    return [.. Enumerable.Range(0, _nodes.Count).Select(node => Read<NodeReport>($"{start}/end/{node}", LeaveTimeout))];
                }

                Look(start, stop);
                await Task.WhenAny(Task.Delay(Interval), reported ? Task.Delay(Timeout.Infinite) : report).ConfigureAwait(false);
            }
        }
        catch (RendezvousException lost)
        {
            stop.TrySetResult(StopReason.Failure);
            await ((Task)report).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw new PeerNodeException($"the launcher of node 0 ({_nodes[0].Host}) is lost: {lost.Message}", lost);
        }
    }

    /// <summary>Says that this launcher needs the store no more; node 0 stays a moment for the others.</summary>
    public async Task LeaveAsync(TimeProvider time)
    {
        try
        {
            long began = time.GetTimestamp();
            long left = _store.Add("left", 1);
            while (_options.NodeRank == 0 && left < _nodes.Count && time.GetElapsedTime(began) < LeaveTimeout)
            {
                await Task.Delay(Interval).ConfigureAwait(false);
                left = _store.Add("left", 0);
            }
        }
        catch (RendezvousException) when (_options.NodeRank != 0)
        {
            // Node 0 has given up waiting; there is nothing left to tell it.
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _store.Dispose();

    private static PeerNodes Join(LauncherOptions options, string runId, IPAddress listenAt)
    {
        TimeSpan patience = TimeSpan.FromSeconds(options.JoinTimeoutSeconds);
        TcpStoreServer? server = options.NodeRank == 0 ? new TcpStoreServer(listenAt, options.MeetingPort, options.JobSecret) : null;
        TcpStore store;
        try
        {
            string host = server is null ? options.MasterAddress : (listenAt.AddressFamily == AddressFamily.InterNetworkV6 ? "::1" : IPAddress.IsLoopback(listenAt) ? listenAt.ToString() : "127.0.0.1");
            store = new TcpStore(host, options.MeetingPort, options.JobSecret, patience, server);
        }
        catch
        {
            server?.Dispose();
            throw;
        }

        var peers = new PeerNodes(options, store);
        try
        {
            peers.Introduce(runId, patience);
            return peers;
        }
        catch
        {
            peers.Dispose();
            throw;
        }
    }

    private void Introduce(string runId, TimeSpan patience)
    {
        var own = new NodeIntroduction(Environment.MachineName, _options.ProcessCount, _options.NodeCount, runId, _options.MaxRestarts);
        if (_options.NodeRank != 0)
        {
            // What differs is found before node 0 counts on this one.
            RequireAgreement(own, Read<NodeIntroduction>("node/0", patience));
        }

        if (_store.Add($"taken/{_options.NodeRank}", 1) > 1)
        {
            throw new PeerNodeException(FormattableString.Invariant($"another launcher is already node {_options.NodeRank}. Give each machine its own node rank, from 0 to {_options.NodeCount - 1}."));
        }

        _store.Set($"node/{_options.NodeRank}", JsonSerializer.SerializeToUtf8Bytes(own));
        try
        {
            _store.Wait([.. Enumerable.Range(0, _options.NodeCount).Select(node => $"node/{node}")], patience);
        }
        catch (StoreTimeoutException late)
        {
            string missing = string.Join(", ", late.MissingKeys.Select(key => key["node/".Length..]));
            throw new PeerNodeException(FormattableString.Invariant(
                $"not all machines joined within {patience.TotalSeconds:0.###} s (missing: {(late.MissingKeys.Count == 1 ? "node" : "nodes")} {missing}). Start a launcher on each, with the same address, port and number of machines."), late);
        }

        _nodes = [.. Enumerable.Range(0, _options.NodeCount).Select(node => Read<NodeIntroduction>($"node/{node}", patience))];
    }

    private static void RequireAgreement(NodeIntroduction own, NodeIntroduction first)
    {
        (string Setting, string Own, string First)? difference =
            own.NodeCount != first.NodeCount ? ("number of machines", Text(own.NodeCount), Text(first.NodeCount))
            : own.RunId != first.RunId ? ("run id", own.RunId, first.RunId)
            : own.MaxRestarts != first.MaxRestarts ? ("number of restarts", Text(own.MaxRestarts), Text(first.MaxRestarts))
            : null;
        if (difference is var (setting, mine, theirs))
        {
            throw new PeerNodeException($"the launchers have different settings ({setting}: {mine} here, {theirs} on node 0). Give all launchers the same.");
        }
    }

    // One look at the store: a sign of life, what the others ask for, and on node 0 whether they are alive.
    private void Look(int start, TaskCompletionSource<StopReason> stop)
    {
        _store.Add($"beat/{_options.NodeRank}", 1);
        foreach (StopReason reason in (StopReason[])[StopReason.Interrupt, StopReason.Failure])
        {
            if (!stop.Task.IsCompleted && _store.Add(StopKey(start, reason), 0) > 0)
            {
                stop.TrySetResult(reason);
            }
        }

        for (int node = 1; _options.NodeRank == 0 && node < _nodes.Count; node++)
        {
            long count = _store.Add($"beat/{node}", 0), now = TimeProvider.System.GetTimestamp();
            if (!_beats.TryGetValue(node, out (long Count, long Since) seen) || seen.Count != count)
            {
                _beats[node] = (count, now);
            }
            else if (TimeProvider.System.GetElapsedTime(seen.Since, now).TotalSeconds > _options.NodeTimeoutSeconds && _store.Add($"{start}/has/{node}", 0) == 0)
            {
                Report(start, node, new NodeReport([], false, FormattableString.Invariant(
                    $"there was no sign of life for {_options.NodeTimeoutSeconds:0.###} s. Check whether the machine and its launcher are still running")));
                AskToStop(start, StopReason.Failure);
            }
        }
    }

    // A report that came in spite of all counts once.
    private void Report(int start, int node, NodeReport report)
    {
        if (_store.Add($"{start}/has/{node}", 1) == 1)
        {
            _store.Set($"{start}/end/{node}", JsonSerializer.SerializeToUtf8Bytes(report));
            _store.Add($"{start}/ended", 1);
        }
    }

    private T Read<T>(string key, TimeSpan patience)
    {
        byte[] text = _store.Get(key, patience);
        try
        {
            return JsonSerializer.Deserialize<T>(text, Format) ?? throw new JsonException("null");
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new PeerNodeException($"cannot read what another launcher wrote at {key} ({error.Message.ReplaceLineEndings(" ").TrimEnd('.')}). Run the same version of Convoy on all machines.", error);
        }
    }

    private static string StopKey(int start, StopReason reason) => $"{start}/stop/{reason}";

    private static string Text(int value) => value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>What a launcher says of its machine when it joins the others.</summary>
/// <param name="Host">The machine's name.</param>
/// <param name="ProcessCount">How many workers it starts.</param>
/// <param name="NodeCount">How many machines it was told of.</param>
/// <param name="RunId">The job that it belongs to.</param>
/// <param name="MaxRestarts">How many restarts it was told to allow.</param>
internal sealed record NodeIntroduction(string Host, int ProcessCount, int NodeCount, string RunId, int MaxRestarts)
{
    private const int MostProcesses = 1 << 16;

    /// <summary>How many workers it starts.</summary>
    /// <exception cref="JsonException">No such number, in an introduction from elsewhere.</exception>
    public int ProcessCount { get; } = ProcessCount is >= 1 and <= MostProcesses
        ? ProcessCount
        : throw new JsonException(FormattableString.Invariant($"the number of processes is {ProcessCount}"));
}

/// <summary>What one machine's launcher tells the others at the end of a start.</summary>
/// <param name="Failures">Its workers that failed, the likely cause first.</param>
/// <param name="Interrupted">Whether its user interrupted it.</param>
/// <param name="Error">Why it could not run its workers, or why nobody hears of it any more; null: it ran them.</param>
internal sealed record NodeReport(IReadOnlyList<WorkerFailure> Failures, bool Interrupted, string? Error)
{
    /// <summary>Its workers that failed, the likely cause first.</summary>
    /// <exception cref="JsonException">One is null, in a report from elsewhere.</exception>
    public IReadOnlyList<WorkerFailure> Failures { get; } = Failures.Any(failure => failure is null) ? throw new JsonException("a failure is null") : Failures;
}
