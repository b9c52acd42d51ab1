using Convoy.Torch.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.Nn;

/// <summary>Gives all ranks one rank's buffers, all in one message.</summary>
internal sealed unsafe class BufferBroadcast : IDisposable
{
    private readonly ProcessGroup _group;
    private readonly (string Name, Tensor Buffer, long Bytes)[] _buffers;
    private readonly Tensor? _message;

    /// <param name="module">The module; the buffers of <see cref="SyncBatchNorm"/> in it are equal on all ranks without this.</param>
    /// <param name="group">The ranks.</param>
    public BufferBroadcast(nn.Module module, ProcessGroup group)
    {
        _group = group;
        var synchronized = new HashSet<nint>(module.named_modules().Select(named => named.module).Prepend(module)
            .OfType<SyncBatchNorm>().SelectMany(norm => norm.named_buffers()).Select(named => named.buffer.Handle));
        var seen = new HashSet<nint>();
        _buffers = [.. module.named_buffers()
            .Where(named => !synchronized.Contains(named.buffer.Handle) && named.buffer.numel() > 0 && seen.Add(named.buffer.Handle))
            .Select(named => (named.name, named.buffer, named.buffer.numel() * named.buffer.element_size()))];
        long bytes = _buffers.Sum(buffer => buffer.Bytes);
        _message = group.Size > 1 && bytes > 0 ? zeros([bytes], ScalarType.Byte).DetachFromDisposeScope() : null;
    }

    /// <summary>Copies the buffers of rank <paramref name="root"/> into all ranks'; all ranks call it together.</summary>
    /// <exception cref="InvalidOperationException">A buffer was replaced after the module was wrapped.</exception>
    /// <exception cref="DistributedException">A rank failed.</exception>
    public void Run(int root = 0)
    {
        if (_message is null)
        {
            return;
        }

        if (_group.Rank == root)
        {
            Copy(pack: true);
        }

        _group.Broadcast(_message, root);
        if (_group.Rank != root)
        {
            Copy(pack: false);
        }
    }

    public void Dispose() => _message?.Dispose();

    // By address: autograd does not take it for a change, so a second forward before backward does not spoil the first one's
    // graph. Backward does not read the running statistics of a batch norm that is in training mode.
    private void Copy(bool pack)
    {
        using var noGradient = no_grad();
        byte* place = TensorMemory.Address(_message!);
        foreach ((string name, Tensor buffer, long bytes) in _buffers)
        {
            if (buffer.IsInvalid)
            {
                throw new InvalidOperationException($"the buffer '{name}' was disposed or replaced after the module was wrapped. Convert and load the module first, then wrap it.");
            }

            if (!buffer.is_contiguous())
            {
                CopyStrided(buffer, place, bytes, pack);
            }
            else if (pack)
            {
                Buffer.MemoryCopy(TensorMemory.Address(buffer), place, bytes, bytes);
            }
            else
            {
                Buffer.MemoryCopy(place, TensorMemory.Address(buffer), bytes, bytes);
            }

            place += bytes;
        }
    }

    private static void CopyStrided(Tensor buffer, byte* place, long bytes, bool pack)
    {
        using Tensor dense = buffer.contiguous();
        if (pack)
        {
            Buffer.MemoryCopy(TensorMemory.Address(dense), place, bytes, bytes);
        }
        else
        {
            Buffer.MemoryCopy(place, TensorMemory.Address(dense), bytes, bytes);
            buffer.copy_(dense);
        }
    }
}
