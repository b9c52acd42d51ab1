using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Convoy.Distributed.Launch.Membership;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Launch;

/// <summary>
/// Starts a program N times on this machine with torchrun's environment, and ends all when one fails. With several machines
/// one launcher runs on each.
/// </summary>
/// <remarks>
/// <para>
/// Every worker gets RANK, LOCAL_RANK, WORLD_SIZE, LOCAL_WORLD_SIZE, GROUP_RANK, GROUP_WORLD_SIZE, ROLE_NAME, ROLE_RANK,
/// ROLE_WORLD_SIZE, MASTER_ADDR, MASTER_PORT, TORCHELASTIC_RESTART_COUNT, TORCHELASTIC_MAX_RESTARTS, TORCHELASTIC_RUN_ID,
/// TORCHELASTIC_ERROR_FILE and OMP_NUM_THREADS, and Convoy's own CONVOY_JOB_SECRET, CONVOY_STORE_HOSTED, CONVOY_PARENT_PID
/// and CONVOY_LAUNCH_ID.
/// </para>
/// <para>
/// The first failure by time is the root cause, going by what the workers record with <see cref="WorkerErrorFile"/> and
/// by when they ended. The others then get SIGTERM, and SIGKILL after
/// <see cref="LauncherOptions.GraceSeconds"/>. On cancellation every worker gets SIGINT once (SIGTERM if it ignores SIGINT),
/// SIGTERM after <see cref="LauncherOptions.InterruptGraceSeconds"/>, and SIGKILL. On a terminal, Ctrl-C also reaches the
/// workers directly, because they belong to the same foreground process group: a worker may see SIGINT twice and must take
/// the second for the first.
/// </para>
/// <para>
/// On Linux, also what the workers started and left behind is ended with the run, and a small shell process ends all of
/// them, and removes their error files, when the launcher itself is killed with SIGKILL. A worker that uses
/// <see cref="ParentWatch"/> ends by itself then, also on other systems.
/// </para>
/// </remarks>
public sealed class Launcher
{
    private readonly LauncherOptions _options;

    /// <summary>A launcher of what <paramref name="options"/> describe.</summary>
    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    public Launcher(LauncherOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _options = options;
    }

    /// <summary>
    /// Starts this program <paramref name="processCount"/> times with <paramref name="arguments"/> and waits. What the workers write appears as <c>convoy launch</c> shows it,
    /// each line with its rank; the result's <see cref="LaunchResult.ToString"/> says why they failed. A Main that is to be reached again in the workers had better use <see cref="DistributedProgram"/>.
    /// </summary>
    /// <exception cref="LaunchException">The program could not be started.</exception>
    public static LaunchResult Spawn(int processCount, params IReadOnlyList<string> arguments) =>
        Spawn(new LauncherOptions { Program = LaunchProgram.ThisProgram(arguments), ProcessCount = processCount });

    /// <summary>
    /// Starts what <paramref name="options"/> describe and waits. What they have no callback for is shown as <c>convoy launch</c> does: the workers' lines with their rank on
    /// this process's standard output and error, restarts and notices on standard error.
    /// </summary>
    /// <param name="options">What to start.</param>
    /// <param name="cancellation">Interrupts the workers; the result then says so.</param>
    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    /// <exception cref="DistributedException">See <see cref="RunAsync"/>.</exception>
    public static LaunchResult Spawn(LauncherOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var launcher = new Launcher(options with
        {
            OnOutput = options.OnOutput ?? (line => (line.Stream == WorkerOutputStream.Error ? Terminal.Error : Terminal.Output).WriteLine(line.ToString())),
            OnNotice = options.OnNotice ?? Terminal.WriteNotice,
            OnLogsSetAside = options.OnLogsSetAside ?? (earlier => Terminal.WriteNotice($"the logs of an earlier run are in {earlier} now.")),
            OnRestart = options.OnRestart ?? ((failure, restart) => Terminal.WriteNotice(
                FormattableString.Invariant($"restart {restart} of {options.MaxRestarts}: {failure.Explain(options.NodeCount > 1)}"))),
        });

        // On the thread pool, so that a caller with a synchronization context can't be waited for by what it waits for.
        return Task.Run(() => launcher.RunAsync(cancellation), CancellationToken.None).GetAwaiter().GetResult();
    }

    /// <summary>Starts the workers and waits until none is left.</summary>
    /// <param name="cancellation">Interrupts the workers; the result then says so.</param>
    /// <exception cref="LaunchException">The program could not be started, its cores not be pinned, or the log directory not be written.</exception>
    /// <exception cref="RendezvousException">The store could not listen at MASTER_ADDR and MASTER_PORT, or not be reached.</exception>
    /// <exception cref="PeerNodeException">Another machine's launcher did not come, could not start its workers, or is lost.</exception>
    public async Task<LaunchResult> RunAsync(CancellationToken cancellation = default)
    {
        CoreShares? cores = _options.PinCores ? CoreShares.Divide(_options.ProcessCount) : null;
        string runId = _options.RunId ?? (_options.NodeCount > 1 ? "none" : Random(8));
        DirectoryInfo errors = ErrorFolder();
        try
        {
            var identity = new LaunchIdentity(Random(16), runId, _options.NodeCount == 1 ? Random(32) : _options.JobSecret!, errors.FullName);
            using LaunchGuard? guard = LaunchGuard.Start(identity.LaunchId, errors.FullName);
            if (guard is null && !OperatingSystem.IsWindows())
            {
                _options.OnNotice?.Invoke("there is no /bin/sh: if this launcher is killed, only processes that watch it (ParentWatch) end.");
            }

            Action<WorkerOutputLine>? onOutput = OneAtATime(_options.OnOutput);
            return _options.NodeCount == 1
                ? await RunWithRestartsAsync(identity, cores, onOutput, cancellation).ConfigureAwait(false)
                : await RunAmongPeersAsync(identity, cores, onOutput, cancellation).ConfigureAwait(false);
        }
        finally
        {
            errors.Delete(recursive: true);
        }
    }

    private static Action<WorkerOutputLine>? OneAtATime(Action<WorkerOutputLine>? callback)
    {
        var outputLock = new Lock();
        return callback is null ? null : line =>
        {
            lock (outputLock)
            {
                callback(line);
            }
        };
    }

    private DirectoryInfo ErrorFolder()
    {
        try
        {
            return TemporaryFolder.Create("convoy-errors-", _options.OnNotice);
        }
        catch (IOException refusal)
        {
            throw new LaunchException(refusal.Message, refusal);
        }
    }

    private async Task<LaunchResult> RunWithRestartsAsync(LaunchIdentity identity, CoreShares? cores, Action<WorkerOutputLine>? onOutput, CancellationToken cancellation)
    {
        var place = new NodePlace(0, 1, 0, _options.ProcessCount);
        AnnounceCores(cores, place);
        SetEarlierLogsAside(null);
        for (int restart = 0; ; restart++)
        {
            GroupOutcome outcome = await RunOnceAsync(identity, place, restart, cores, onOutput, null, new TaskCompletionSource<StopReason>().Task, _ => { }, cancellation).ConfigureAwait(false);
            var result = LaunchResult.From(outcome.ExitCodes, outcome.Failures, outcome.Interrupted, restart, severalNodes: false);
            if (result.Failure is null || result.Interrupted || cancellation.IsCancellationRequested || restart == _options.MaxRestarts)
            {
                return result;
            }

            _options.OnRestart?.Invoke(result.Failure, restart + 1);
        }
    }

    // A launcher that has lost node 0, because the network was cut or its machine was stopped, tries once to come back as one that is new.
    private async Task<LaunchResult> RunAmongPeersAsync(LaunchIdentity identity, CoreShares? cores, Action<WorkerOutputLine>? onOutput, CancellationToken cancellation)
    {
        var logged = new HashSet<int>();
        TimeSpan patience = TimeSpan.FromSeconds(_options.JoinTimeoutSeconds);
        PeerNodeException? lost = null;
        while (true)
        {
            try
            {
                using PeerNodes peers = await PeerNodes.JoinAsync(_options, identity.RunId, ListenAddress(), patience, again: lost is not null, cancellation).ConfigureAwait(false);
                return await new NodeJob(peers, _options, RunWorkersAsync).RunAsync(cancellation).ConfigureAwait(false);

                async Task<GroupOutcome> RunWorkersAsync(NodeStart start, Task<StopReason> elsewhere, Action<StopReason> onStopping, CancellationToken interrupted)
                {
                    NodePlace place = peers.PlaceIn(start);
                    AnnounceCores(cores, place);
                    int[] ranks = [.. Enumerable.Range(place.FirstRank, _options.ProcessCount).Where(logged.Add)];
                    if (ranks.Length > 0)
                    {
                        SetEarlierLogsAside(ranks);
                    }

                    return await RunOnceAsync(identity, place, start.Number, cores, onOutput, peers, elsewhere, onStopping, interrupted).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return new LaunchResult([], null, Interrupted: true, Restarts: 0);
            }
            catch (RendezvousException) when (lost is not null)
            {
                throw lost;
            }
            catch (UnreadableEntryException unreadable)
            {
                throw new PeerNodeException(unreadable.Message, unreadable);
            }
            catch (NodeLostException loss)
            {
                lost = new PeerNodeException(loss.Message, loss);
                if (_options.MaxRestarts == 0 && _options.LeastNodeCount == _options.NodeCount)
                {
                    throw lost;
                }

                _options.OnNotice?.Invoke($"{loss.Message.TrimEnd('.')}. This machine's processes are ended; its launcher tries to join again.");
                patience = TimeSpan.FromSeconds(_options.NodeTimeoutSeconds / 3);
            }
        }
    }

    // Every start gets a new store: nothing of an earlier start's keys is left in it.
    private async Task<GroupOutcome> RunOnceAsync(
        LaunchIdentity identity,
        NodePlace place,
        int start,
        CoreShares? cores,
        Action<WorkerOutputLine>? onOutput,
        PeerNodes? peers,
        Task<StopReason> elsewhere,
        Action<StopReason> onStopping,
        CancellationToken cancellation)
    {
        int? given = peers is null ? null : _options.MeetingPort + 1;
        using TcpStoreServer? store = _options.HostStore && place.NodeRank == 0
            ? new TcpStoreServer(ListenAddress(), given ?? _options.MasterPort, identity.Secret)
            : null;
        var environment = new WorkerEnvironment(_options, identity, place, start, given ?? store?.Port ?? PortForRankZero(), cores);
        await (peers?.MeetAtStartAsync(start) ?? Task.CompletedTask).ConfigureAwait(false);
        return await RunGroupAsync(environment, onOutput, elsewhere, onStopping, cancellation).ConfigureAwait(false);
    }

    private static async Task<GroupOutcome> RunGroupAsync(
        WorkerEnvironment environment, Action<WorkerOutputLine>? onOutput, Task<StopReason> elsewhere, Action<StopReason> onStopping, CancellationToken cancellation)
    {
        using WorkerGroup group = await WorkerGroup.StartAsync(environment, onOutput).ConfigureAwait(false);
        return await group.RunAsync(elsewhere, onStopping, cancellation).ConfigureAwait(false);
    }

    // Those of all ranks, or of the given ones.
    private void SetEarlierLogsAside(int[]? ranks)
    {
        if (_options.LogDirectory is not { } directory)
        {
            return;
        }

        try
        {
            if (RankLog.SetAside(directory, ranks) is { } earlier)
            {
                _options.OnLogsSetAside?.Invoke(earlier);
            }
        }
        catch (Exception refusal) when (refusal is IOException or UnauthorizedAccessException)
        {
            throw RankLog.CannotWrite(directory, refusal);
        }
    }

    private void AnnounceCores(CoreShares? cores, NodePlace place)
    {
        if (cores is not null)
        {
            string shared = cores.Shared ? " There are more processes than cores: some share one." : string.Empty;
            _options.OnNotice?.Invoke($"cores: {cores.Describe(place.FirstRank)}.{shared}");
        }
    }

    // Other machines reach a port on every address of this one, for the name of a machine is often loopback on itself. What
    // is given as a loopback address stays there.
    private IPAddress ListenAddress()
    {
        if (_options.NodeCount == 1)
        {
            return MasterAddress();
        }

        return !IPAddress.TryParse(_options.MasterAddress, out IPAddress? literal) ? IPAddress.Any
            : IPAddress.IsLoopback(literal) ? literal
            : literal.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any
            : IPAddress.Any;
    }

    private int PortForRankZero()
    {
        if (_options.MasterPort != 0)
        {
            return _options.MasterPort;
        }

        try
        {
            using var probe = new TcpListener(MasterAddress(), 0);
            probe.Start();
            return ((IPEndPoint)probe.LocalEndpoint).Port;
        }
        catch (SocketException refusal)
        {
            throw new LaunchException($"rank 0 cannot listen ({_options.MasterAddress}: {refusal.SocketErrorCode}). Give an address of this machine.", refusal);
        }
    }

    private IPAddress MasterAddress()
    {
        if (IPAddress.TryParse(_options.MasterAddress, out IPAddress? address))
        {
            return address;
        }

        try
        {
            IPAddress[] addresses = Dns.GetHostAddresses(_options.MasterAddress);
            return Array.Find(addresses, a => a.AddressFamily == AddressFamily.InterNetwork) ?? addresses[0];
        }
        catch (SocketException unknown)
        {
            throw new LaunchException($"the master address is unknown ({_options.MasterAddress}: {unknown.Message}). Give a name or an address of this machine.", unknown);
        }
    }

    private static string Random(int bytes) => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(bytes));
}
