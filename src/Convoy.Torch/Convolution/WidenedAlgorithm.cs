using Convoy.Torch.Interop;
using static TorchSharp.torch;

namespace Convoy.Torch.Convolution;

/// <summary>
/// Convolutions of bfloat16 by an algorithm for float32: numbers are widened before, and the result rounded once after. Where the processor has no instructions for bfloat16, libtorch's
/// convolutions of it take many times as long as those of float32.
/// </summary>
/// <param name="inner">Computes in float32.</param>
internal sealed class WidenedAlgorithm(IConvolutionAlgorithm inner) : IConvolutionAlgorithm
{
    public string Name => inner.Name + "-float32";

    public bool Supports(in ConvolutionShape shape, ScalarType dtype, ConvolutionPass pass) =>
        dtype == ScalarType.BFloat16 && BlockProductExports.Instance is not { TakesBFloat16: true } && inner.Supports(shape, ScalarType.Float32, pass);

    public Tensor Forward(Tensor input, ConvolutionWeight weight, Tensor? bias, in ConvolutionShape shape)
    {
        using Tensor wide = input.to(ScalarType.Float32), result = inner.Forward(wide, weight, bias, shape);
        return result.to(input.dtype);
    }

    public Tensor InputGradient(Tensor gradient, ConvolutionWeight weight, in ConvolutionShape shape)
    {
        using Tensor wide = gradient.to(ScalarType.Float32), result = inner.InputGradient(wide, weight, shape);
        return result.to(gradient.dtype);
    }

    public Tensor WeightGradient(Tensor input, Tensor gradient, in ConvolutionShape shape)
    {
        using Tensor wideInput = input.to(ScalarType.Float32), wideGradient = gradient.to(ScalarType.Float32);
        return inner.WeightGradient(wideInput, wideGradient, shape);
    }
}
