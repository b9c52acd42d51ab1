using System.Net.Sockets;

namespace Convoy.Distributed.Rendezvous;

/// <summary>
/// The connections of a <see cref="TcpStoreServer"/> that have not shown the secret yet. There are at most
/// <see cref="Most"/>: one more ends the oldest, which has had the longest time to answer. A client of the job answers within
/// milliseconds, so a flood of strangers drives out strangers; should it drive out a client, that one connects again.
/// </summary>
internal sealed class StrangerQueue
{
    public const int Most = 256;

    private readonly Lock _lock = new();
    private readonly LinkedList<TcpClient> _strangers = [];

    public LinkedListNode<TcpClient> Enter(TcpClient client)
    {
        TcpClient? oldest = null;
        LinkedListNode<TcpClient> place;
        lock (_lock)
        {
            if (_strangers.Count == Most)
            {
                oldest = _strangers.First!.Value;
                _strangers.RemoveFirst();
            }

            place = _strangers.AddLast(client);
        }

        oldest?.Dispose();
        return place;
    }

    /// <summary>Takes a connection out, because it has shown the secret or has ended; false when it was driven out before.</summary>
    public bool Leave(LinkedListNode<TcpClient> place)
    {
        lock (_lock)
        {
            if (place.List is null)
            {
                return false;
            }

            _strangers.Remove(place);
            return true;
        }
    }
}
