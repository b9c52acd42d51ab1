using System.Collections.Concurrent;
using System.Globalization;

namespace Convoy.Distributed;

/// <summary>
/// The queues of messages between two ranks: one for each other rank and direction, so that messages to and from one rank keep
/// their order and wait for nobody else.
/// </summary>
internal sealed class MessageQueues(string name, Action<Work> execute) : IDisposable
{
    private readonly ConcurrentDictionary<(OperationKind Direction, int Peer), OperationQueue> _queues = new();

    /// <summary>The queue for <see cref="OperationKind.Send"/> to, or <see cref="OperationKind.Receive"/> from, <paramref name="peer"/>.</summary>
    public OperationQueue Of(OperationKind direction, int peer) =>
        _queues.GetOrAdd((direction, peer), key => new OperationQueue(string.Create(CultureInfo.InvariantCulture, $"convoy {name} {key.Direction} {key.Peer}"), execute));

    public void Dispose()
    {
        foreach (OperationQueue queue in _queues.Values)
        {
            queue.Dispose();
        }
    }
}
