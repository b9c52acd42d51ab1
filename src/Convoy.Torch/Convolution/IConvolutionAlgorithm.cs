using static TorchSharp.torch;

namespace Convoy.Torch.Convolution;

/// <summary>A way to compute a convolution and its gradients on the CPU. Features are channels-last, weights are float32 as the optimizer has them.</summary>
internal interface IConvolutionAlgorithm
{
    /// <summary>What tables of kernels call it.</summary>
    string Name { get; }

    /// <summary>Whether it is worth a trial where kernels are measured: not one that is the same as another here.</summary>
    bool IsTried => true;

    /// <summary>Whether this processor can compute a pass by it; not whether that is fast.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="dtype">The features' type: float32, or bfloat16 under autocast.</param>
    /// <param name="pass">The pass.</param>
    bool Supports(in ConvolutionShape shape, ScalarType dtype, ConvolutionPass pass);

    /// <summary>[N, K, OutHeight, OutWidth], channels-last, in the input's type.</summary>
    /// <param name="input">[N, C, H, W], channels-last.</param>
    /// <param name="weight">[K, C, R, S].</param>
    /// <param name="bias">[K], float32, which is added; null for none.</param>
    /// <param name="shape">The sizes.</param>
    Tensor Forward(Tensor input, ConvolutionWeight weight, Tensor? bias, in ConvolutionShape shape);

    /// <summary>The input's gradient, [N, C, H, W], channels-last, in the type of <paramref name="gradient"/>.</summary>
    /// <param name="gradient">Of the result, channels-last.</param>
    /// <param name="weight">[K, C, R, S].</param>
    /// <param name="shape">The sizes.</param>
    Tensor InputGradient(Tensor gradient, ConvolutionWeight weight, in ConvolutionShape shape);

    /// <summary>The weights' gradient, [K, C, R, S], float32.</summary>
    /// <param name="input">[N, C, H, W], channels-last.</param>
    /// <param name="gradient">Of the result, channels-last, in the input's type.</param>
    /// <param name="shape">The sizes.</param>
    Tensor WeightGradient(Tensor input, Tensor gradient, in ConvolutionShape shape);
}
