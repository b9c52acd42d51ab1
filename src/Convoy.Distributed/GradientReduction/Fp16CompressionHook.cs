using static TorchSharp.torch;

namespace Convoy.Distributed.GradientReduction;

/// <summary>
/// Gradients travel as float16 (PyTorch's <c>fp16_compress_hook</c>): divided by the number of ranks, rounded, added up over the ranks,
/// and made the bucket's type again. Half of the traffic of float32, a quarter of float64's.
/// </summary>
/// <remarks>
/// Numbers above 65,504 times the number of ranks become infinite, those below 3e-8 times it become 0: scale the loss when gradients are that small.
/// Buckets of a half type travel as they are. One hook serves one model at a time. It keeps memory of half the size of the largest bucket until it is disposed of, after the model.
/// </remarks>
public sealed class Fp16CompressionHook : ICommunicationHook, IDisposable
{
    private readonly CompressedMean _mean = new(ScalarType.Float16);

    /// <inheritdoc/>
    public void Reduce(GradientBucket bucket, ProcessGroup group)
    {
        ArgumentNullException.ThrowIfNull(bucket);
        ArgumentNullException.ThrowIfNull(group);
        _mean.Run(bucket.Flat, group);
    }

    /// <summary>Frees the memory that gradients are sent from.</summary>
    public void Dispose() => _mean.Dispose();
}

/// <summary>
/// Gradients travel as bfloat16 (PyTorch's <c>bf16_compress_hook</c>): divided by the number of ranks, rounded, added up over the ranks,
/// and made the bucket's type again. Half of the traffic of float32, a quarter of float64's.
/// </summary>
/// <remarks>
/// bfloat16 has the range of float32 with 8 bits of precision: a relative error of up to 0.4 % a gradient element.
/// Buckets of a half type travel as they are. One hook serves one model at a time. It keeps memory of half the size of the largest bucket until it is disposed of, after the model.
/// </remarks>
public sealed class Bf16CompressionHook : ICommunicationHook, IDisposable
{
    private readonly CompressedMean _mean = new(ScalarType.BFloat16);

    /// <inheritdoc/>
    public void Reduce(GradientBucket bucket, ProcessGroup group)
    {
        ArgumentNullException.ThrowIfNull(bucket);
        ArgumentNullException.ThrowIfNull(group);
        _mean.Run(bucket.Flat, group);
    }

    /// <summary>Frees the memory that gradients are sent from.</summary>
    public void Dispose() => _mean.Dispose();
}

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
