using static TorchSharp.torch;

namespace Convoy.Distributed.Nn.Hooks;

/// <summary>The options of <see cref="PowerSGDHook"/>, named and with defaults as in PyTorch's <c>PowerSGDState</c>. All ranks give the same.</summary>
public sealed record PowerSGDOptions
{
    /// <summary>The rank of the approximation: how many columns the two factors have. More is more exact and more to send. At least 1; default: 1.</summary>
    public int MatrixApproximationRank { get; init; } = 1;

    /// <summary>How many first steps send exact gradients, as early gradients compress badly. At least 0; default: 1,000.</summary>
    public long StartPowerSGDIteration { get; init; } = 1_000;

    /// <summary>A gradient is compressed when that makes it smaller by more than this factor. Above 0; default: 2.</summary>
    public double MinCompressionRate { get; init; } = 2;

    /// <summary>Whether what compression loses is kept and added to the next step's gradient; it costs memory of the size of the compressed gradients. Default: true.</summary>
    public bool UseErrorFeedback { get; init; } = true;

    /// <summary>Whether each step starts from the factor of the step before instead of a random one. Default: true.</summary>
    public bool WarmStart { get; init; } = true;

    /// <summary>What is added to the length of a factor's column before it is divided by it. At least 0; default: 0. Columns that are zero remain zero in any case.</summary>
    public double OrthogonalizationEpsilon { get; init; }

    /// <summary>The seed of the random factors. Default: 0.</summary>
    public long RandomSeed { get; init; }

    /// <summary>
    /// The type in which factors and uncompressed gradients travel, <see cref="ScalarType.Float16"/> or <see cref="ScalarType.BFloat16"/>,
    /// in place of PyTorch's <c>fp16_compress_wrapper</c> and <c>bf16_compress_wrapper</c>; null: the gradients' own. Default: null.
    /// </summary>
    public ScalarType? CommunicationType { get; init; }
}
