using System.Runtime.InteropServices;

namespace Convoy.Training.Programs;

/// <summary>
/// Ctrl-C, SIGTERM, and the SIGHUP of a terminal that is closed. The first one cancels <see cref="Token"/>, so that the verb
/// can finish cleanly (training writes a last checkpoint); the program ends at once with <see cref="ExitCode"/>
/// when that takes longer than <see cref="Grace"/>, or at a second Ctrl-C.
/// </summary>
internal sealed class Interruption : IDisposable
{
    /// <summary>How long a verb may take to finish after the first signal: 40 s, of which a checkpoint may need 30.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(40);

    // Shells and launchers count so; 15 is SIGTERM wherever there are signals.
    private const int SignalBase = 128, Terminate = 15;

    // One Ctrl-C can reach a worker twice, from the terminal and from its launcher. A person's second one comes later.
    private static readonly TimeSpan SameSignal = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;
    private readonly Lock _gate = new();
    private long _firstSignal;
    private PosixSignal _signal;
    private ITimer? _graceTimer;
    private bool _disposed;

    public Interruption(TimeProvider time)
    {
        _time = time;
        _registrations = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP }.Select(signal => PosixSignalRegistration.Create(signal, OnSignal))];
    }

    /// <summary>Cancelled at the first signal.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>Whether this process is one of several that its launcher watches, which wants to know which signal ended it.</summary>
    public bool IsWorker { get; set; }

    /// <summary>The exit code of a program that ends because of the first signal.</summary>
    public int ExitCode => _signal switch
    {
        PosixSignal.SIGHUP => ExitCodes.HungUp,
        PosixSignal.SIGTERM when IsWorker => SignalBase + Terminate,
        _ => ExitCodes.Interrupted,
    };

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
        {
            registration.Dispose();
        }

        lock (_gate)
        {
            _disposed = true;
            _graceTimer?.Dispose();
        }
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            if (_graceTimer is not null)
            {
                if (context.Signal == PosixSignal.SIGINT && _time.GetElapsedTime(_firstSignal) > SameSignal)
                {
                    Environment.Exit(ExitCode);
                }

                return;
            }

            _firstSignal = _time.GetTimestamp();
            _signal = context.Signal;
            _graceTimer = _time.CreateTimer(_ => Environment.Exit(ExitCode), null, Grace, Timeout.InfiniteTimeSpan);
        }

        _source.Cancel();
    }
}
