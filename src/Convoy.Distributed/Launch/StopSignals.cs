using System.Runtime.InteropServices;
using Convoy.Distributed.Launch.Processes;

namespace Convoy.Distributed.Launch;

/// <summary>
/// SIGINT (Ctrl-C), SIGTERM and SIGHUP (a closed terminal) as a request to stop, while this exists: a launcher passes it on to its workers, a worker ends its work and writes a
/// last checkpoint. Without it .NET ends the process. SIGUSR1, which cluster schedulers send before a job's time is over, is taken for it where that is asked for.
/// </summary>
public sealed class StopSignals : IDisposable
{
    // Shells and launchers count so; the numbers are the same wherever there are signals.
    private const int SignalBase = 128, HangUp = 1, Interrupt = 2, Terminate = 15;

    // SIGUSR1 has no name in .NET, and another number on macOS than on Linux.
    private static readonly PosixSignal UserSignal = (PosixSignal)(OperatingSystem.IsMacOS() ? 30 : 10);

    // One Ctrl-C can reach a worker twice, from the terminal and from its launcher. A person's second one comes later.
    private static readonly TimeSpan SameSignal = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _source = new(), _insisted = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly bool _insistingEnds;
    private PosixSignal? _first;
    private long _since;

    /// <summary>Takes the signals from now on.</summary>
    /// <param name="insistingEnds">Whether a second Ctrl-C, more than a second after the first signal, ends the process at once. Default: false, it changes nothing.</param>
    /// <param name="takesUserSignal">Whether SIGUSR1, which ends a process by default, asks for a stop as well (not on Windows). Default: false.</param>
    public StopSignals(bool insistingEnds = false, bool takesUserSignal = false)
        : this(insistingEnds, takesUserSignal, TimeProvider.System)
    {
    }

    /// <summary>The same with another clock.</summary>
    internal StopSignals(bool insistingEnds, bool takesUserSignal, TimeProvider time)
    {
        _time = time;
        _insistingEnds = insistingEnds;
        foreach (PosixSignal signal in (PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, .. takesUserSignal && !OperatingSystem.IsWindows() ? [UserSignal] : (PosixSignal[])[]])
        {
            _registrations.Add(PosixSignalRegistration.Create(signal, OnSignal));
        }
    }

    /// <summary>Cancelled at the first signal.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>Cancelled at a second Ctrl-C, at least a second after the first signal.</summary>
    public CancellationToken Insisted => _insisted.Token;

    /// <summary>What a launcher's processes get: SIGINT for SIGINT, SIGTERM for the others.</summary>
    public PosixSignal PassedOn => _first == PosixSignal.SIGINT ? PosixSignal.SIGINT : PosixSignal.SIGTERM;

    /// <summary>The exit code of a process that stopped because of the first signal, as shells count: 128 and the signal's number.</summary>
    public int ExitCode => SignalBase + _first switch
    {
        PosixSignal.SIGHUP => HangUp,
        PosixSignal.SIGINT => Interrupt,
        { } user when user == UserSignal => (int)UserSignal,
        _ => Terminate,
    };

    /// <inheritdoc/>
    public void Dispose() => _registrations.ForEach(registration => registration.Dispose());

    /// <summary>A signal has come. Several may come at the same time, each on a thread of its own.</summary>
    internal void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        bool isFirst, insists;
        lock (_gate) // two signals at once come on two threads
        {
            isFirst = _first is null;
            insists = !isFirst && context.Signal == PosixSignal.SIGINT && _time.GetElapsedTime(_since) > SameSignal;
            if (isFirst)
            {
                (_first, _since) = (context.Signal, _time.GetTimestamp());
            }
        }

        // What others have registered runs outside of the lock.
        if (isFirst)
        {
            _source.Cancel();
        }
        else if (insists)
        {
            context.Cancel = !_insistingEnds;
            _insisted.Cancel();
        }
    }
}
