using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Launch;

/// <summary>
/// Starts a program N times on this machine with torchrun's environment, and ends all when one fails.
/// </summary>
/// <remarks>
/// <para>
/// Every worker gets RANK, LOCAL_RANK, WORLD_SIZE, LOCAL_WORLD_SIZE, GROUP_RANK, MASTER_ADDR, MASTER_PORT,
/// TORCHELASTIC_RESTART_COUNT, TORCHELASTIC_MAX_RESTARTS, TORCHELASTIC_RUN_ID, TORCHELASTIC_ERROR_FILE and
/// OMP_NUM_THREADS, and Convoy's own CONVOY_JOB_SECRET, CONVOY_STORE_HOSTED and CONVOY_PARENT_PID.
/// </para>
/// <para>
/// The first failure by time is the root cause, going by what the workers record with <see cref="WorkerErrorFile"/> and
/// by when they ended. The others then get SIGTERM, and SIGKILL after
/// <see cref="LauncherOptions.GraceSeconds"/>. On cancellation every worker gets SIGINT once, SIGTERM after
/// <see cref="LauncherOptions.InterruptGraceSeconds"/>, and SIGKILL. On a terminal, Ctrl-C also reaches the workers
/// directly, because they belong to the same foreground process group: a worker may see SIGINT twice and must take the
/// second for the first.
/// </para>
/// <para>
/// On Linux, also what the workers started and left behind is ended with the run. A launcher that is itself killed
/// with SIGKILL can't end anybody: a worker that uses <see cref="ParentWatch"/> ends by itself, any other program runs on.
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
    /// Starts this program <paramref name="processCount"/> times with <paramref name="arguments"/> and waits. The workers
    /// write to this process's own output.
    /// </summary>
    /// <exception cref="LaunchException">The program could not be started.</exception>
    public static LaunchResult Spawn(int processCount, params IReadOnlyList<string> arguments)
    {
        var options = new LauncherOptions { Program = LaunchProgram.ThisProgram(arguments), ProcessCount = processCount };

        // On the thread pool, so that a caller with a synchronization context can't be waited for by what it waits for.
        return Task.Run(() => new Launcher(options).RunAsync()).GetAwaiter().GetResult();
    }

    /// <summary>Starts the workers and waits until none is left.</summary>
    /// <param name="cancellation">Interrupts the workers; the result then says so.</param>
    /// <exception cref="LaunchException">The program could not be started, or the log directory not be written.</exception>
    /// <exception cref="Errors.RendezvousException">The store could not listen at MASTER_ADDR and MASTER_PORT.</exception>
    public async Task<LaunchResult> RunAsync(CancellationToken cancellation = default)
    {
        string runId = Random(8), secret = Random(32);
        var outputLock = new Lock();
        Action<WorkerOutputLine>? onOutput = _options.OnOutput is not { } callback ? null : line =>
        {
            lock (outputLock)
            {
                callback(line);
            }
        };

        for (int restart = 0; ; restart++)
        {
            LaunchResult result = await RunOnceAsync(runId, secret, restart, onOutput, cancellation).ConfigureAwait(false);
            if (result.Failure is null || cancellation.IsCancellationRequested || restart == _options.MaxRestarts)
            {
                return result;
            }

            _options.OnRestart?.Invoke(result.Failure, restart + 1);
        }
    }

    // A restart gets a new store: nothing of the failed start's keys is left in it.
    private async Task<LaunchResult> RunOnceAsync(string runId, string secret, int restart, Action<WorkerOutputLine>? onOutput, CancellationToken cancellation)
    {
        using TcpStoreServer? store = _options.HostStore ? new TcpStoreServer(MasterAddress(), _options.MasterPort, secret) : null;
        int port = store?.Port ?? PortForRankZero();
        DirectoryInfo errors = Directory.CreateTempSubdirectory("convoy-errors-");
        try
        {
            var environment = new WorkerEnvironment(_options, runId, secret, restart, port, errors.FullName);
            using WorkerGroup group = await WorkerGroup.StartAsync(environment, onOutput).ConfigureAwait(false);
            return await group.RunAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            errors.Delete(recursive: true);
        }
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
