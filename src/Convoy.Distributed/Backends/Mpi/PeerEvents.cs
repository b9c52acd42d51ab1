using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Backends.Mpi;

/// <summary>
/// What ranks tell each other of their ends, in order or not: a list in the store that all append to, and that a thread of each process reads. MPI cannot serve for that: whoever
/// has failed does not call it any more, and whoever only computes does not listen. The same thread shows every two seconds that its process lives.
/// </summary>
internal sealed class PeerEvents : IDisposable
{
    private const string CountKey = "events";

    // How long a reader waits before it shows that it lives, and looks whether others do.
    private static readonly TimeSpan ReadingSlice = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan TimeBetweenAttempts = TimeSpan.FromSeconds(1);

    // A host whose processes have ended refuses at once; one that is cut off does not answer.
    private const int MostRefusals = 3;

    private readonly Lock _lock = new();
    private readonly int _rank;
    private readonly Func<Store>? _connect;
    private readonly Dictionary<string, MpiPeers> _groups = [];
    private readonly Dictionary<int, (string Beat, long Since)> _beats = [];
    private readonly List<PeerEvent> _seen = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread _thread;
    private Store _store;

    /// <param name="store">Where the ranks meet, under a name of its own.</param>
    /// <param name="rank">This rank's number among all.</param>
    /// <param name="connect">Connects to it again when it does not answer; null: it cannot be done.</param>
    public PeerEvents(Store store, int rank, Func<Store>? connect)
    {
        _store = store;
        _rank = rank;
        _connect = connect;
        _thread = new Thread(Read) { IsBackground = true, Name = "convoy mpi events" };
        _thread.Start();
    }

    /// <summary>Has a group told of its ranks, also of what was told before.</summary>
    public void Register(string group, MpiPeers peers)
    {
        lock (_lock)
        {
            _groups[group] = peers;
            foreach (PeerEvent told in _seen.Where(told => told.Group == group))
            {
                peers.Hear(told);
            }
        }
    }

    public void Forget(string group)
    {
        lock (_lock)
        {
            _groups.Remove(group);
        }
    }

    /// <summary>Tells all ranks. Where the store is gone nobody can be told: the others find that as well.</summary>
    /// <returns>Whether it was told.</returns>
    public bool Tell(PeerEvent told)
    {
        try
        {
            _store.Set(Key(_store.Add(CountKey, 1)), told.ToText());
            return true;
        }
        catch (Exception error) when (error is DistributedException or ObjectDisposedException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        _stop.Cancel();
        _thread.Join();
        _store.Dispose();
        _stop.Dispose();
    }

    private static string Key(long number) => string.Create(CultureInfo.InvariantCulture, $"event/{number}");

    private static string BeatKey(int rank) => string.Create(CultureInfo.InvariantCulture, $"beat/{rank}");

    private void Read()
    {
        long next = 1;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                string text = _store.GetText(Key(next), ReadingSlice, _stop.Token);
                next++;
                if (PeerEvent.Parse(text) is { } told)
                {
                    Hand(told);
                }
            }
            catch (StoreTimeoutException)
            {
                next = Skip(next);
            }
            catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (DistributedException error)
            {
                if (!Reconnect(out bool isRefused))
                {
                    Lose(error, isRefused);
                    return;
                }
            }
        }
    }

    private long Skip(long next)
    {
        try
        {
            Beat();

            // Ranks that ended in between have left gaps.
            for (long told = _store.Add(CountKey, 0), later = next + 1; later <= told; later++)
            {
                if (_store.Contains(Key(later)))
                {
                    return later;
                }
            }

            return next;
        }
        catch (Exception error) when (error is DistributedException or ObjectDisposedException)
        {
            // The next attempt to read says so.
            return next;
        }
    }

    // Shows that this process lives, and looks after those on other machines that groups wait for.
    private void Beat()
    {
        _store.Add(BeatKey(_rank), 1);
        (MpiPeers Peers, int Member, int Rank)[] suspects;
        lock (_lock)
        {
            suspects = [.. _groups.Values.SelectMany(peers => peers.Suspects.Select(member => (peers, member, peers[member].Rank)))];
        }

        long now = Environment.TickCount64;
        foreach ((MpiPeers peers, int member, int rank) in suspects)
        {
            string beat = RankPresence.Find(_store, BeatKey(rank)) ?? "";
            if (!_beats.TryGetValue(rank, out (string Beat, long Since) last) || last.Beat != beat || now - last.Since > 2 * MpiPeers.LongestSilence.TotalMilliseconds)
            {
                _beats[rank] = (beat, now);
            }
            else if (now - last.Since > MpiPeers.LongestSilence.TotalMilliseconds)
            {
                peers.HearNothing(member);
            }
        }
    }

    private bool Reconnect(out bool isRefused)
    {
        int refusals = 0;
        isRefused = false;
        for (long start = Stopwatch.GetTimestamp(); _connect is not null && Stopwatch.GetElapsedTime(start) < MpiPeers.LongestSilence;)
        {
            try
            {
                Store broken = _store;
                _store = _connect();
                broken.Dispose();
                return true;
            }
            catch (RendezvousException error)
            {
                refusals = error.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionRefused } ? refusals + 1 : 0;
                isRefused = refusals >= MostRefusals;
            }

            if (isRefused || _stop.Token.WaitHandle.WaitOne(TimeBetweenAttempts))
            {
                return false;
            }
        }

        return false;
    }

    private void Lose(DistributedException error, bool isCertain)
    {
        lock (_lock)
        {
            foreach (MpiPeers peers in _groups.Values)
            {
                peers.LoseStore(error, isCertain);
            }
        }
    }

    private void Hand(PeerEvent told)
    {
        lock (_lock)
        {
            _seen.Add(told);
            if (_groups.TryGetValue(told.Group, out MpiPeers? peers))
            {
                peers.Hear(told);
            }
        }
    }
}
