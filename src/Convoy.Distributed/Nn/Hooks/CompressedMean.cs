using static TorchSharp.torch;

namespace Convoy.Distributed.Nn.Hooks;

/// <summary>The mean over the ranks of a tensor that travels in a half type.</summary>
/// <param name="type">float16 or bfloat16; null: tensors travel as they are.</param>
internal sealed class CompressedMean(ScalarType? type) : IDisposable
{
    private const long HalfBytes = 2;

    private readonly ExchangeBuffer _buffer = new();

    /// <summary>Replaces <paramref name="values"/> by their mean over the ranks. Values that are of a half type already travel as they are.</summary>
    /// <param name="values">Contiguous, of one dimension.</param>
    /// <param name="group">The ranks.</param>
    public void Run(Tensor values, ProcessGroup group)
    {
        if (type is null || values.element_size() <= HalfBytes)
        {
            group.AllReduce(values, ReduceOp.Average);
            return;
        }

        // Divided first, so that the sum of all ranks has the range of one rank's values, and in the wide type: one rounding, not two.
        using Tensor message = _buffer.Take(group, values.numel(), type.Value);
        message.copy_(values.div_(group.Size));
        group.AllReduce(message, ReduceOp.Sum);
        values.copy_(message);
    }

    public void Dispose() => _buffer.Dispose();
}
