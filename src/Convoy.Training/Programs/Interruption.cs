using Convoy.Distributed.Launch;

namespace Convoy.Training.Programs;

/// <summary>
/// Ctrl-C, SIGTERM, the SIGUSR1 of a cluster's scheduler, and the SIGHUP of a terminal that is closed. The first one cancels <see cref="Token"/>, so that the verb
/// can finish cleanly (training writes a last checkpoint); the program ends at once with <see cref="ExitCode"/>
/// when that takes longer than <see cref="Grace"/>, or at a second Ctrl-C.
/// </summary>
internal sealed class Interruption : IDisposable
{
    /// <summary>How long a verb may take to finish after the first signal: 40 s, of which a checkpoint may need 30.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(40);

    private readonly TimeProvider _time;
    private readonly StopSignals _signals = new(takesUserSignal: true);
    private readonly CancellationTokenSource _source = new();
    private readonly Lock _gate = new();
    private ITimer? _graceTimer;
    private bool _disposed;

    public Interruption(TimeProvider time)
    {
        _time = time;
        _signals.Token.Register(OnFirstSignal);
        _signals.Insisted.Register(End);
    }

    /// <summary>Cancelled at the first signal.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>Whether this process is one of several that its launcher watches, which wants to know which signal ended it.</summary>
    public bool IsWorker { get; set; }

    /// <summary>The exit code of a program that ends because of the first signal.</summary>
    public int ExitCode => IsWorker || _signals.ExitCode == ExitCodes.HungUp ? _signals.ExitCode : ExitCodes.Interrupted;

    public void Dispose()
    {
        _signals.Dispose();
        lock (_gate)
        {
            _disposed = true;
            _graceTimer?.Dispose();
        }
    }

    // The clock before the verb is told: what it does then may take this thread.
    private void OnFirstSignal()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _graceTimer = _time.CreateTimer(_ => End(), null, Grace, Timeout.InfiniteTimeSpan);
        }

        _source.Cancel();
    }

    private void End()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }
        }

        Environment.Exit(ExitCode);
    }
}
