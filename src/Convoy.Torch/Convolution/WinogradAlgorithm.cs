using static TorchSharp.torch;

namespace Convoy.Torch.Convolution;

/// <summary>3x3 convolutions of stride 1 by Winograd's F(4x4, 3x3), a quarter of the multiplications, in float32 whatever the features' type is.</summary>
internal sealed class WinogradAlgorithm : IConvolutionAlgorithm
{
    public string Name => "winograd";

    public bool Supports(in ConvolutionShape shape, ScalarType dtype, ConvolutionPass pass) => WinogradConvolution.Fits(shape, dtype);

    public Tensor Forward(Tensor input, ConvolutionWeight weight, Tensor? bias, in ConvolutionShape shape) => WinogradConvolution.Convolve(input, weight.Value, bias);

    public Tensor InputGradient(Tensor gradient, ConvolutionWeight weight, in ConvolutionShape shape) => WinogradConvolution.InputGradient(gradient, weight.Value);

    public Tensor WeightGradient(Tensor input, Tensor gradient, in ConvolutionShape shape) => WinogradConvolution.WeightGradient(input, gradient);
}
