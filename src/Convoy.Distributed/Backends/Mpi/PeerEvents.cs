using System.Globalization;

namespace Convoy.Distributed.Backends.Mpi;

/// <summary>
/// What ranks tell each other of their ends, in order or not: a list in the store that all append to, and that a thread of each process reads. MPI cannot serve for that: whoever
/// has failed does not call it any more, and whoever only computes does not listen.
/// </summary>
internal sealed class PeerEvents : IDisposable
{
    private const string CountKey = "events";

    // How long a reader waits before it looks whether a rank ended between counting an event and telling it.
    private static readonly TimeSpan ReadingSlice = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly Store _store;
    private readonly Action<DistributedException> _storeLost;
    private readonly Dictionary<string, MpiPeers> _groups = [];
    private readonly List<PeerEvent> _seen = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread _thread;

    /// <param name="store">Where the ranks meet, under a name of its own.</param>
    /// <param name="storeLost">Told when the store does not answer any more.</param>
    public PeerEvents(Store store, Action<DistributedException> storeLost)
    {
        _store = store;
        _storeLost = storeLost;
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
        _stop.Dispose();
    }

    private static string Key(long number) => string.Create(CultureInfo.InvariantCulture, $"event/{number}");

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
                _storeLost(error);
                return;
            }
        }
    }

    // A rank that ended in between has left a gap.
    private long Skip(long next)
    {
        try
        {
            return _store.Contains(Key(next + 1)) ? next + 1 : next;
        }
        catch (Exception error) when (error is DistributedException or ObjectDisposedException)
        {
            // The next attempt to read says so.
            return next;
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
