using Convoy.Torch.Interop;
using Convoy.Torch.Kernels;
using Convoy.Torch.Products;
using static TorchSharp.torch;

namespace Convoy.Torch.Convolution;

/// <summary>
/// Passes put together from oneDNN's products of small matrices (<see cref="BlockProductExports"/>): the weights' gradient, where oneDNN's own convolution is furthest from the
/// processor's peak, a first layer's result, and the input's gradient of 1x1.
/// </summary>
internal sealed unsafe class BlockProductAlgorithm : IConvolutionAlgorithm
{
    private const int Channels = 16;

    public string Name => "brgemm";

    public bool Supports(in ConvolutionShape shape, ScalarType dtype, ConvolutionPass pass)
    {
        if (BlockProductExports.Instance is not { } exports || (dtype != ScalarType.Float32 && !(dtype == ScalarType.BFloat16 && exports.TakesBFloat16)))
        {
            return false;
        }

        return pass switch
        {
            ConvolutionPass.Forward => dtype == ScalarType.BFloat16 && HasFewChannels(shape) && shape.OutChannels % (2 * Channels) == 0,
            ConvolutionPass.WeightGradient => (HasFewChannels(shape) || shape.InChannels % Channels == 0) && shape.OutChannels % Channels == 0,
            ConvolutionPass.InputGradient => IsPointwise(shape) && shape.InChannels % (2 * Channels) == 0 && shape.OutChannels % 2 == 0,
            _ => false,
        };
    }

    public Tensor Forward(Tensor input, ConvolutionWeight weight, Tensor? bias, in ConvolutionShape shape)
    {
        using Tensor result = empty([shape.Batch, shape.OutHeight, shape.OutWidth, shape.OutChannels], input.dtype);
        byte* x = TensorMemory.Address(input), y = TensorMemory.Address(result);
        float* shift = bias is null ? null : (float*)TensorMemory.Address(bias);
        FewChannelForward.Convolve(Exports(), (ushort*)x, (ushort*)Pack(weight, shape).Start, shift, (ushort*)y, Sizes(shape), get_num_threads());
        return result.permute(0, 3, 1, 2);
    }

    public Tensor InputGradient(Tensor gradient, ConvolutionWeight weight, in ConvolutionShape shape)
    {
        BlockProductExports exports = Exports();
        using Tensor result = empty([shape.Batch, shape.Height, shape.Width, shape.InChannels], gradient.dtype);
        byte* dy = TensorMemory.Address(gradient), dx = TensorMemory.Address(result);
        ConvolutionSizes sizes = Sizes(shape);
        ScalarType dtype = gradient.dtype;
        AlignedBuffer<float> filter = weight.Keep((nameof(ConvolutionPass.InputGradient), dtype), () =>
        {
            using IDisposable noGradient = no_grad();
            using Tensor taps = weight.As(dtype).contiguous();
            byte* from = TensorMemory.Address(taps);
            return dtype == ScalarType.BFloat16 ? PointProducts<ushort, BFloat16BlockElements>.PackFilter((ushort*)from, sizes) : PointProducts<float, SingleBlockElements>.PackFilter((float*)from, sizes);
        });
        if (dtype == ScalarType.BFloat16)
        {
            PointProducts<ushort, BFloat16BlockElements>.InputGradient(exports, (ushort*)dy, (ushort*)filter.Start, (ushort*)dx, sizes, get_num_threads());
        }
        else
        {
            PointProducts<float, SingleBlockElements>.InputGradient(exports, (float*)dy, filter.Start, (float*)dx, sizes, get_num_threads());
        }

        return result.permute(0, 3, 1, 2);
    }

    public Tensor WeightGradient(Tensor input, Tensor gradient, in ConvolutionShape shape)
    {
        BlockProductExports exports = Exports();
        using Tensor result = empty([shape.OutChannels, shape.KernelHeight, shape.KernelWidth, shape.InChannels], ScalarType.Float32);
        byte* x = TensorMemory.Address(input), dy = TensorMemory.Address(gradient);
        float* to = (float*)TensorMemory.Address(result);
        switch (input.dtype == ScalarType.BFloat16, HasFewChannels(shape))
        {
            case (true, true):
                FewChannelGradient<ushort, BFloat16BlockElements>.Compute(exports, (ushort*)x, (ushort*)dy, to, Sizes(shape), get_num_threads());
                break;
            case (true, false):
                TapProducts<ushort, BFloat16BlockElements>.WeightGradient(exports, (ushort*)x, (ushort*)dy, to, Sizes(shape), get_num_threads());
                break;
            case (false, true):
                FewChannelGradient<float, SingleBlockElements>.Compute(exports, (float*)x, (float*)dy, to, Sizes(shape), get_num_threads());
                break;
            default:
                TapProducts<float, SingleBlockElements>.WeightGradient(exports, (float*)x, (float*)dy, to, Sizes(shape), get_num_threads());
                break;
        }

        return result.permute(0, 3, 1, 2);
    }

    private static bool IsPointwise(in ConvolutionShape shape) => (shape.KernelHeight, shape.KernelWidth, shape.PaddingHeight, shape.PaddingWidth) == (1, 1, 0, 0);

    private static bool HasFewChannels(in ConvolutionShape shape) => shape.InChannels < Channels;

    private static AlignedBuffer<float> Pack(ConvolutionWeight weight, ConvolutionShape shape) => weight.Keep(nameof(FewChannelForward), () =>
    {
        using IDisposable noGradient = no_grad();
        using Tensor turned = weight.Value.permute(0, 2, 3, 1), taps = turned.contiguous();
        return FewChannelForward.PackFilter((float*)TensorMemory.Address(taps), Sizes(shape));
    });

    private static ConvolutionSizes Sizes(in ConvolutionShape shape) => new()
    {
        Batch = shape.Batch,
        InChannels = shape.InChannels,
        Height = shape.Height,
        Width = shape.Width,
        OutChannels = shape.OutChannels,
        OutHeight = shape.OutHeight,
        OutWidth = shape.OutWidth,
        KernelHeight = shape.KernelHeight,
        KernelWidth = shape.KernelWidth,
        StrideHeight = shape.StrideHeight,
        StrideWidth = shape.StrideWidth,
        PaddingHeight = shape.PaddingHeight,
        PaddingWidth = shape.PaddingWidth,
    };

    private static BlockProductExports Exports() => BlockProductExports.Instance ?? throw new NotSupportedException("libtorch's products of matrices cannot be called here.");
}
