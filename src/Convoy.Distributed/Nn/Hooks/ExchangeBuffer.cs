using static TorchSharp.torch;

namespace Convoy.Distributed.Nn.Hooks;

/// <summary>Memory of a group that a hook sends from, so that all-reduce copies nothing: as large as the largest message so far.</summary>
internal sealed class ExchangeBuffer : IDisposable
{
    private ProcessGroup? _group;
    private Tensor? _memory;

    /// <summary>Gives room for a message; what was in it before is undefined. All ranks call it together with the same arguments.</summary>
    /// <param name="group">The ranks.</param>
    /// <param name="count">The number of elements, at least 1.</param>
    /// <param name="type">The element type.</param>
    /// <returns>A contiguous tensor of one dimension that belongs to the present dispose scope. It is valid until the next call.</returns>
    public Tensor Take(ProcessGroup group, long count, ScalarType type)
    {
        if (_memory is null || _group != group || _memory.dtype != type || _memory.numel() < count)
        {
            _memory?.Dispose();
            _memory = group.AllocateBuffer(count, type);
            _group = group;
        }

        return _memory.narrow(0, 0, count);
    }

    public void Dispose()
    {
        _memory?.Dispose();
        _memory = null;
    }
}
