using System.Runtime.InteropServices;

namespace Convoy.Distributed.Backends.Mpi;

/// <summary>
/// MPI in this process. It can be started once and ended once, by the standard, so this is the one thing that the process has one of: groups that
/// join one after the other share it. It ends with the process: by MPI_Finalize when all has ended in order, otherwise without, by which an MPI launcher knows to end the other ranks.
/// </summary>
internal sealed class MpiRuntime
{
    // MPI_Finalize waits for all ranks; one that never comes must not keep this process.
    private static readonly TimeSpan LongestEnd = TimeSpan.FromSeconds(20);

    // Something went wrong on this rank, and probably on others.
    private static readonly TimeSpan LongestEndOfFailure = TimeSpan.FromSeconds(2);

    private static readonly Lock Starting = new();
    private static MpiRuntime? _started;

    private readonly IMpiBootstrap? _bootstrap;
    private int _joined;
    private int _unfinished;

    private MpiRuntime(MpiLibrary library, IMpiBootstrap? bootstrap)
    {
        Library = library;
        _bootstrap = bootstrap;
        LargestTag = library.LargestTag();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => End();
    }

    /// <summary>Raised when the process ends, before MPI does.</summary>
    public event EventHandler? Ending;

    public MpiLibrary Library { get; }

    /// <summary>The largest tag of a message.</summary>
    public int LargestTag { get; }

    /// <summary>Held around each call: MPI_THREAD_SERIALIZED is asked for.</summary>
    public Lock Calls { get; } = new();

    /// <summary>Starts MPI, or gives what was started before. Returns when all ranks have started it.</summary>
    /// <exception cref="MpiException">There is no library that fits, or something else has started MPI in this process.</exception>
    public static MpiRuntime Start(IMpiBootstrap? bootstrap)
    {
        lock (Starting)
        {
            return _started ??= StartOnce(bootstrap);
        }
    }

    /// <summary>A group of all ranks was joined.</summary>
    public void NoteJoined() => Interlocked.Increment(ref _joined);

    /// <summary>A group of all ranks was left in order.</summary>
    public void NoteLeft() => Interlocked.Decrement(ref _joined);

    /// <summary>After a failure messages are under way that nobody waits for: MPI cannot be ended in order.</summary>
    public void NoteUnfinished() => Volatile.Write(ref _unfinished, 1);

    private static MpiRuntime StartOnce(IMpiBootstrap? bootstrap)
    {
        bootstrap?.Prepare();

        // UCX, below MPICH and often below Open MPI, takes over the signals of faults, and Open MPI the same: .NET makes exceptions of them.
        NativeEnvironment.Set("UCX_ERROR_SIGNALS", "");
        NativeEnvironment.Set("OMPI_MCA_opal_signal", "");

        // Of Open MPI between processes of one machine: what goes with a call (MpiExchange) is more than the 4 KiB that it copies at once by default.
        NativeEnvironment.Set("OMPI_MCA_btl_vader_eager_limit", "20480", overwrites: false);
        NativeEnvironment.Set("OMPI_MCA_btl_sm_eager_limit", "20480", overwrites: false);

        // UCX gives a TCP connection up after 16 silent seconds, when a cable was out for a moment only. How long ranks wait for each other is the group's time-out.
        NativeEnvironment.Set("UCX_TCP_KEEPIDLE", "inf", overwrites: false);
        MpiLibrary library = MpiLibraryFinder.Load(bootstrap?.Implementation ?? MpiLibraryFinder.Launcher(Environment.GetEnvironmentVariable), Environment.GetEnvironmentVariable);
        if (library.IsFinalized || library.IsInitialized)
        {
            throw new MpiException($"MPI was {(library.IsFinalized ? "ended" : "started")} in this process already, by something other than Convoy ({library}). Let Convoy start it: join the process group first, and only once.");
        }

        int Initialize() => library.Initialize(MpiLibrary.ThreadSerialized);
        int level = bootstrap?.Run("starting MPI", Initialize) ?? Initialize();
        return level >= MpiLibrary.ThreadSerialized
            ? new MpiRuntime(library, bootstrap)
            : throw new MpiException($"the MPI library does not take calls from several threads ({library} provides {(level == 0 ? "MPI_THREAD_SINGLE" : "MPI_THREAD_FUNNELED")}). Use one that was built with thread support (MPI_THREAD_SERIALIZED or more), and name it in {MpiLibraryFinder.LibraryVariable}.");
    }

    private void End()
    {
        Ending?.Invoke(this, EventArgs.Empty);
        if (Volatile.Read(ref _unfinished) != 0 || (Volatile.Read(ref _joined) != 0 && Environment.ExitCode != 0))
        {
            return;
        }

        // On a thread of its own, as it cannot be interrupted.
        var end = new Thread(Conclude) { IsBackground = true, Name = "convoy mpi end" };
        end.Start();
        end.Join(Environment.ExitCode == 0 ? LongestEnd : LongestEndOfFailure);
    }

    private void Conclude()
    {
        lock (Calls)
        {
            try
            {
                if (_bootstrap is null)
                {
                    ConcludeLibrary();
                    return;
                }

                _bootstrap.Run("ending MPI", () =>
                {
                    ConcludeLibrary();
                    return true;
                });
            }
            catch (Exception error) when (error is DistributedException or ObjectDisposedException or OperationCanceledException)
            {
                // All of this rank's work is done, and the process ends: that another one went otherwise is said by that one and by its launcher.
            }
        }
    }

    private void ConcludeLibrary()
    {
        if (MpichFarewell.For(Library, _bootstrap?.ManagerConnection, () => Library.Probe(Library.Abi.World)) is { } farewell)
        {
            farewell.Take();
        }
        else
        {
            Library.Conclude();
        }
    }
}
