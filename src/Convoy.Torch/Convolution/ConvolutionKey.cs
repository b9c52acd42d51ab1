using static TorchSharp.torch;

namespace Convoy.Torch.Convolution;

/// <summary>What a kernel is chosen for.</summary>
/// <param name="Shape">The sizes.</param>
/// <param name="Dtype">The features' type: float32, or bfloat16 under autocast.</param>
/// <param name="Pass">The pass.</param>
public readonly record struct ConvolutionKey(ConvolutionShape Shape, ScalarType Dtype, ConvolutionPass Pass)
{
    /// <summary>Whether it is the same pass of the same layer, with a batch of any size.</summary>
    public bool IsSameLayer(ConvolutionKey other) => this with { Shape = Shape with { Batch = other.Shape.Batch } } == other;
}

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

/// <summary>Passes in words.</summary>
public static class ConvolutionPassNames
{
    /// <summary>What people call a pass.</summary>
    public static string Name(this ConvolutionPass pass) => pass switch
    {
        ConvolutionPass.Forward => "forward",
        ConvolutionPass.InputGradient => "gradient of the input",
        ConvolutionPass.WeightGradient => "gradient of the weights",
        _ => throw new ArgumentOutOfRangeException(nameof(pass), pass, "not a pass"),
    };
}
