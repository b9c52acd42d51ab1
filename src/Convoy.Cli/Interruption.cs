using System.Runtime.InteropServices;

namespace Convoy.Cli;

/// <summary>
/// Ctrl-C and SIGTERM. The first one cancels <see cref="Token"/>, so that the verb can finish cleanly (training writes a last
/// checkpoint); the program ends at once with <see cref="ExitCodes.Interrupted"/> when that takes longer than
/// <see cref="Grace"/>, or at a second Ctrl-C.
/// </summary>
internal sealed class Interruption : IDisposable
{
    /// <summary>How long a verb may take to finish after the first signal: 40 s, of which a checkpoint may need 30.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(40);

    // One Ctrl-C can reach a worker twice, from the terminal and from its launcher. A person's second one comes later.
    private static readonly TimeSpan SameSignal = TimeSpan.FromSeconds(1);

    private readonly TimeProvider time;
    private readonly CancellationTokenSource source = new();
    private readonly PosixSignalRegistration[] registrations;
    private readonly Lock gate = new();
    private long firstSignal;
    private ITimer? graceTimer;
    private bool disposed;

    public Interruption(TimeProvider time)
    {
        this.time = time;
        registrations = [PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal), PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal)];
    }

    /// <summary>Cancelled at the first signal.</summary>
    public CancellationToken Token => source.Token;

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in registrations)
        {
            registration.Dispose();
        }

        lock (gate)
        {
            disposed = true;
            graceTimer?.Dispose();
        }
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        lock (gate)
        {
            if (disposed)
            {
                return;
            }

            if (graceTimer is not null)
            {
                if (context.Signal == PosixSignal.SIGINT && time.GetElapsedTime(firstSignal) > SameSignal)
                {
                    Environment.Exit(ExitCodes.Interrupted);
                }

                return;
            }

            firstSignal = time.GetTimestamp();
            graceTimer = time.CreateTimer(_ => Environment.Exit(ExitCodes.Interrupted), null, Grace, Timeout.InfiniteTimeSpan);
        }

        source.Cancel();
    }
}
