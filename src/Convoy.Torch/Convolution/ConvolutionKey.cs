using static TorchSharp.torch;

namespace Convoy.Torch.Convolution;

/// <summary>What a kernel is chosen for.</summary>
/// <param name="Shape">The sizes.</param>
/// <param name="Dtype">The features' type: float32, or bfloat16 under autocast.</param>
/// <param name="Pass">The pass.</param>
public readonly record struct ConvolutionKey(ConvolutionShape Shape, ScalarType Dtype, ConvolutionPass Pass);

/// <summary>The three computations of a convolution that is trained.</summary>
public enum ConvolutionPass
{
    /// <summary>The result.</summary>
    Forward,

    /// <summary>The gradient of the input.</summary>
    InputGradient,

    /// <summary>The gradient of the weights.</summary>
    WeightGradient,
}
