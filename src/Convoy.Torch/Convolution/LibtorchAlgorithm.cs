using Convoy.Torch.Interop;
using static TorchSharp.torch;

namespace Convoy.Torch.Convolution;

/// <summary>
/// libtorch's convolution (oneDNN's on x86), which takes any sizes. Where one gradient alone cannot be asked for (<see cref="ConvolutionExports"/>), it is
/// taken from a second forward pass, which measurement counts in.
/// </summary>
/// <param name="channelsLast">Whether features stay channels-last; else they are laid out contiguously for the call, and the result back.</param>
internal sealed class LibtorchAlgorithm(bool channelsLast) : IConvolutionAlgorithm
{
    /// <summary>The name of the one that leaves features as they are.</summary>
    public const string PlainName = "libtorch";

    public string Name => channelsLast ? PlainName : "libtorch-contiguous";

    // Contiguously, oneDNN's float32 sums of the weights' gradient round five times as much as channels-last: too much for a choice that nobody sees.
    public bool Supports(in ConvolutionShape shape, ScalarType dtype, ConvolutionPass pass) => channelsLast || dtype != ScalarType.Float32 || pass != ConvolutionPass.WeightGradient;

    public Tensor Forward(Tensor input, ConvolutionWeight weight, Tensor? bias, in ConvolutionShape shape) =>
        FromLayout(nn.functional.conv2d(ToLayout(input), ToLayout(weight.As(input.dtype)), bias?.to(input.dtype), strides: shape.Strides, padding: shape.Paddings));

    public Tensor InputGradient(Tensor gradient, ConvolutionWeight weight, in ConvolutionShape shape)
    {
        Tensor taps = ToLayout(weight.As(gradient.dtype)), dy = ToLayout(gradient);

        // Only its sizes and layout count, so no memory is touched.
        Tensor input = empty(channelsLast ? [shape.Batch, shape.Height, shape.Width, shape.InChannels] : [shape.Batch, shape.InChannels, shape.Height, shape.Width], gradient.dtype);
        input = channelsLast ? input.permute(0, 3, 1, 2) : input;
        return FromLayout(ConvolutionExports.Instance?.InputGradient(dy, input, taps, shape.Strides, shape.Paddings) ?? Differentiate(input.zero_(), taps, dy, shape, ofInput: true));
    }

    public Tensor WeightGradient(Tensor input, Tensor gradient, in ConvolutionShape shape)
    {
        Tensor x = ToLayout(input), dy = ToLayout(gradient);
        Tensor taps = empty(channelsLast ? [shape.OutChannels, shape.KernelHeight, shape.KernelWidth, shape.InChannels] : [shape.OutChannels, shape.InChannels, shape.KernelHeight, shape.KernelWidth], gradient.dtype);
        taps = channelsLast ? taps.permute(0, 3, 1, 2) : taps;
        Tensor result = ConvolutionExports.Instance?.WeightGradient(dy, x, taps, shape.Strides, shape.Paddings) ?? Differentiate(x, taps.zero_(), dy, shape, ofInput: false);
        return result.to(ScalarType.Float32);
    }

    private static Tensor Differentiate(Tensor input, Tensor weight, Tensor gradient, in ConvolutionShape shape, bool ofInput)
    {
        using IDisposable withGradients = enable_grad();
        Tensor wanted = (ofInput ? input : weight).detach().requires_grad_();
        Tensor result = nn.functional.conv2d(ofInput ? wanted : input, ofInput ? weight : wanted, strides: shape.Strides, padding: shape.Paddings);
        return autograd.grad([result], [wanted], [gradient])[0];
    }

    private Tensor ToLayout(Tensor tensor) => channelsLast ? tensor : tensor.contiguous();

    private Tensor FromLayout(Tensor result) => channelsLast ? result : result.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
}
