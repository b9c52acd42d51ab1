using System.Globalization;

namespace Convoy.Distributed;

/// <summary>
/// The queues of messages between two ranks: one for each other rank and direction, so that messages to and from one rank keep
/// their order and wait for nobody else.
/// </summary>
internal sealed class MessageQueues(string name, Action<Work> execute) : IDisposable
{
    private readonly Dictionary<(OperationKind Direction, int Peer), OperationQueue> _queues = [];
    private bool _closed;

    /// <summary>The queue for <see cref="OperationKind.Send"/> to, or <see cref="OperationKind.Receive"/> from, <paramref name="peer"/>.</summary>
    public OperationQueue Of(OperationKind direction, int peer)
    {
        lock (_queues)
        {
            ObjectDisposedException.ThrowIf(_closed, typeof(ProcessGroup));
            if (!_queues.TryGetValue((direction, peer), out OperationQueue? queue))
            {
                queue = new OperationQueue(string.Create(CultureInfo.InvariantCulture, $"convoy {name} {direction} {peer}"), execute);
                _queues.Add((direction, peer), queue);
            }

            return queue;
        }
    }

    public void Dispose()
    {
        OperationQueue[] queues;
        lock (_queues)
        {
            // A queue made later would work in memory that is gone.
            _closed = true;
            queues = [.. _queues.Values];
        }

        foreach (OperationQueue queue in queues)
        {
            queue.Dispose();
        }
    }
}
