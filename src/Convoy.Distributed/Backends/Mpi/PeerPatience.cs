using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Convoy.Distributed.Backends.Mpi;

/// <summary>
/// How a thread waits for messages: it looks again at once for a while, as MPI moves nothing while nobody calls it; then it sleeps some microseconds between two looks,
/// so that whoever computes meanwhile gets the core.
/// </summary>
internal struct PeerPatience
{
    private const int LooksWithoutTime = 64;

    // About what a core needs to come back to this thread.
    private const uint PauseMicroseconds = 50;

    private static readonly TimeSpan SliceBetweenChecks = TimeSpan.FromMilliseconds(100);

    // For a thread beside those that compute: a look costs them a core's time.
    private static readonly TimeSpan LongestSpinInBackground = TimeSpan.FromMicroseconds(100);

    private readonly MpiPeers _peers;
    private readonly TimeSpan _spinTime;
    private readonly string _operation;
    private readonly long _start;
    private long _lastMove;
    private long _nextCheck;
    private int _looks;

    /// <param name="peers">Who is waited for.</param>
    /// <param name="operation">What to call the operation in an error.</param>
    public PeerPatience(MpiPeers peers, string operation)
    {
        _peers = peers;
        _operation = operation;
        _spinTime = Thread.CurrentThread.IsBackground && peers.SpinTime > LongestSpinInBackground ? LongestSpinInBackground : peers.SpinTime;
        _start = _lastMove = Stopwatch.GetTimestamp();
        _nextCheck = _start + (long)(SliceBetweenChecks.TotalSeconds * Stopwatch.Frequency);
    }

    /// <summary>Something has moved: wait for the next thing as at first.</summary>
    public void Moved()
    {
        _looks = 0;
        _lastMove = 0;
    }

    /// <summary>Nothing has moved since the last look.</summary>
    /// <param name="awaited">Whose messages are awaited.</param>
    /// <param name="peer">The only rank that the operation depends on; <see cref="MpiPeers.AllRanks"/>: it depends on all.</param>
    /// <exception cref="DistributedException">They cannot come any more, or did not come in time.</exception>
    public void Pause(RequestSet awaited, int peer = MpiPeers.AllRanks)
    {
        if (++_looks < LooksWithoutTime)
        {
            return;
        }

        long now = Stopwatch.GetTimestamp();
        if (_lastMove == 0)
        {
            _lastMove = now;
        }

        if (now >= _nextCheck)
        {
            _nextCheck = now + (long)(SliceBetweenChecks.TotalSeconds * Stopwatch.Frequency);
            if (_peers.ReasonToGiveUp(Stopwatch.GetElapsedTime(_start, now), awaited, peer, _operation) is { } reason)
            {
                throw reason;
            }
        }

        if (Stopwatch.GetElapsedTime(_lastMove, now) > _spinTime)
        {
            _ = usleep(PauseMicroseconds);
        }
        else if (_peers.AreCrowded)
        {
            Thread.Yield();
        }
    }

#pragma warning disable IDE1006 // The C library's name.
    [DllImport("libc", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int usleep(uint microseconds);
#pragma warning restore IDE1006
}
