using Convoy.Distributed.Nn.GradientReduction;
using static TorchSharp.torch;

namespace Convoy.Distributed.Nn.Hooks;

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
