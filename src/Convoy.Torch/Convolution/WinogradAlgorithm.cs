using Convoy.Torch.Kernels;
using static TorchSharp.torch;

namespace Convoy.Torch.Convolution;

/// <summary>3x3 convolutions of stride 1 by Winograd's F(4x4, 3x3), a quarter of the multiplications, in float32 whatever the features' type is.</summary>
/// <param name="width">The vectors' width, which changes no bit; null for the widest that the processor has.</param>
internal sealed class WinogradAlgorithm(VectorWidth? width = null) : IConvolutionAlgorithm
{
    public string Name => width is null ? "winograd" : $"winograd-{(int)width}";

    // Narrower vectors are worth a trial where the widest are computed in halves, or slow the core down.
    public bool IsTried => width is null || width < VectorWidths.Widest;

    public bool Supports(in ConvolutionShape shape, ScalarType dtype, ConvolutionPass pass) =>
        (width is null || VectorWidths.IsSupported(width.Value)) && WinogradConvolution.Fits(shape, dtype);

    public Tensor Forward(Tensor input, ConvolutionWeight weight, Tensor? bias, in ConvolutionShape shape)
    {
        // Only in evaluation: a training step uses them once.
        AlignedBuffer<float>? points = weight.IsEvaluated && WinogradConvolution.KeepsPoints(shape) ? weight.KeepLonger((nameof(WinogradAlgorithm), width), () => WinogradConvolution.Points(weight.Value, width)) : null;
        return WinogradConvolution.Convolve(input, weight.Value, bias, width, points);
    }

    public Tensor InputGradient(Tensor gradient, ConvolutionWeight weight, in ConvolutionShape shape) => WinogradConvolution.InputGradient(gradient, weight.Value, width);

    public Tensor WeightGradient(Tensor input, Tensor gradient, in ConvolutionShape shape) => WinogradConvolution.WeightGradient(input, gradient, width);
}
