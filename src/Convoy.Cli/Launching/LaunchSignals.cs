using System.Runtime.InteropServices;

namespace Convoy.Cli.Launching;

/// <summary>
/// The signals that <c>launch</c> passes on. <see cref="Interruption"/> handles them too, but does not say which one came:
/// SIGINT is passed on as SIGINT, SIGTERM and a closed terminal's SIGHUP as SIGTERM.
/// </summary>
internal sealed class LaunchSignals : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private PosixSignal _first = PosixSignal.SIGTERM;
    private int _signals;

    public LaunchSignals()
    {
        foreach (PosixSignal signal in (PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP])
        {
            _registrations.Add(PosixSignalRegistration.Create(signal, OnSignal));
        }
    }

    /// <summary>Cancelled at the first signal.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>What the processes get: SIGINT or SIGTERM.</summary>
    public PosixSignal PassedOn => _first == PosixSignal.SIGINT ? PosixSignal.SIGINT : PosixSignal.SIGTERM;

    /// <inheritdoc/>
    public void Dispose() => _registrations.ForEach(r => r.Dispose());

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        if (Interlocked.Increment(ref _signals) == 1)
        {
            _first = context.Signal;
            _source.Cancel();
        }
    }
}
