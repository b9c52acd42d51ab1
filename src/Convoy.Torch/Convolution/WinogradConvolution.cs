using Convoy.Torch.Interop;
using Convoy.Torch.Kernels;
using Convoy.Torch.Winograd;
using static TorchSharp.torch;

namespace Convoy.Torch.Convolution;

/// <summary>3x3 convolution, stride 1, padding 1, no bias, and its gradients, of tensors by <see cref="WinogradKernel{TElements, TLanes}"/>.</summary>
internal static unsafe class WinogradConvolution
{
    // Filters are brought to their points for each call: with few tiles that costs more than the tiles save.
    private const int ChannelsPerTile = 32;

    /// <summary>Whether the kernel computes such tensors: 3x3, float32 or bfloat16, channels in multiples of <see cref="WinogradShape.Channels"/>.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="dtype">The features' type.</param>
    public static bool Fits(in ConvolutionShape shape, ScalarType dtype) =>
        VectorWidths.Supported.Count > 0
        && dtype is ScalarType.Float32 or ScalarType.BFloat16
        && shape.IsSame3X3
        && shape.OutChannels % WinogradShape.Channels == 0
        && shape.InChannels % WinogradShape.Channels == 0;

    /// <summary>
    /// Whether an image is large enough for the filters' transforms to pay, by the rule that holds where nothing was measured. An image's tiles and not the batch's decide, so that a part of
    /// a batch is computed as the whole is.
    /// </summary>
    /// <param name="shape">The sizes.</param>
    public static bool IsWorthwhile(in ConvolutionShape shape) =>
        (long)new WinogradShape(1, shape.Height, shape.Width).Tiles * ChannelsPerTile >= Math.Max(shape.OutChannels, shape.InChannels);

    /// <summary>[N, K, H, W], in the input's type.</summary>
    /// <param name="input">[N, C, H, W], channels-last.</param>
    /// <param name="weight">[K, C, 3, 3], float32.</param>
    /// <param name="bias">[K], float32, which is added before rounding; null for none.</param>
    /// <param name="width">The vectors' width, one that the processor has; null for the widest. It changes no bit.</param>
    /// <param name="points">What <see cref="Points"/> made of the weights, of the same width; null to make it now. It changes no bit.</param>
    public static Tensor Convolve(Tensor input, Tensor weight, Tensor? bias = null, VectorWidth? width = null, AlignedBuffer<float>? points = null) =>
        Run(input, weight, bias, forInputGradient: false, width, points);

    /// <summary>
    /// Whether filters that were brought to their points are worth keeping: four times the weights' memory, which is read faster than made as long as it stays in a cache. One image of 256 channels
    /// and 23x50 gains a quarter; larger filters come from memory at the speed at which they are made.
    /// </summary>
    /// <param name="shape">The sizes.</param>
    public static bool KeepsPoints(in ConvolutionShape shape) => WinogradBlocking.AreCached((int)shape.InChannels, (int)shape.OutChannels, CacheSizes.OfThisMachine);

    /// <summary>The filters at their points, for <see cref="Convolve"/> as long as the weights stay what they are.</summary>
    /// <param name="weight">[K, C, 3, 3], float32.</param>
    /// <param name="width">The vectors' width; null for the widest.</param>
    public static AlignedBuffer<float> Points(Tensor weight, VectorWidth? width = null)
    {
        using Tensor turned = weight.permute(0, 2, 3, 1), taps = turned.contiguous();
        var filter = WinogradFilter.ForOutput((float*)TensorMemory.Address(taps), (int)weight.shape[0], (int)weight.shape[1]);
        return Kernel(ScalarType.Float32, width).Transform(filter, get_num_threads());
    }

    /// <summary>The gradient of the input, [N, C, H, W].</summary>
    /// <param name="gradient">Of the result, [N, K, H, W], channels-last.</param>
    /// <param name="weight">[K, C, 3, 3], float32.</param>
    /// <param name="width">As for <see cref="Convolve"/>.</param>
    public static Tensor InputGradient(Tensor gradient, Tensor weight, VectorWidth? width = null) => Run(gradient, weight, null, forInputGradient: true, width, null);

    /// <summary>The gradient of the weights, [K, C, 3, 3], float32.</summary>
    /// <param name="input">[N, C, H, W], channels-last.</param>
    /// <param name="gradient">Of the result, [N, K, H, W], channels-last, in the input's type.</param>
    /// <param name="width">As for <see cref="Convolve"/>.</param>
    public static Tensor WeightGradient(Tensor input, Tensor gradient, VectorWidth? width = null)
    {
        (int inChannels, int outChannels) = ((int)input.shape[1], (int)gradient.shape[1]);
        WinogradShape shape = Shape(input);
        using Tensor result = empty([outChannels, 3, 3, inChannels], ScalarType.Float32);
        WinogradBlocking blocking = WinogradBlocking.ForFilterGradient(inChannels, outChannels, shape.Tiles, CacheSizes.OfThisMachine);
        Kernel(input.dtype, width).FilterGradient(
            TensorMemory.Address(input), TensorMemory.Address(gradient), (float*)TensorMemory.Address(result), shape, inChannels, outChannels, blocking, get_num_threads());
        return result.permute(0, 3, 1, 2);
    }

    private static Tensor Run(Tensor images, Tensor weight, Tensor? bias, bool forInputGradient, VectorWidth? width, AlignedBuffer<float>? points)
    {
        (int outChannels, int inChannels) = ((int)weight.shape[0], (int)weight.shape[1]);
        WinogradShape shape = Shape(images);

        // A view where the weights are in channels-last order, too.
        using Tensor turned = weight.permute(0, 2, 3, 1), taps = turned.contiguous();
        float* weights = (float*)TensorMemory.Address(taps), shift = bias is null ? null : (float*)TensorMemory.Address(bias);
        WinogradFilter filter = forInputGradient ? WinogradFilter.ForInputGradient(weights, outChannels, inChannels) : WinogradFilter.ForOutput(weights, outChannels, inChannels);
        using Tensor result = empty([shape.Batch, shape.Height, shape.Width, filter.Results], images.dtype);
        WinogradBlocking blocking = WinogradBlocking.ForOutput(filter.Terms, filter.Results, CacheSizes.OfThisMachine);
        Kernel(images.dtype, width).Convolve(TensorMemory.Address(images), filter, shift, TensorMemory.Address(result), shape, blocking, get_num_threads(), points);
        return result.permute(0, 3, 1, 2);
    }

    private static IWinogradKernel Kernel(ScalarType dtype, VectorWidth? width) => (dtype == ScalarType.BFloat16, width ?? VectorWidths.Widest) switch
    {
        (false, VectorWidth.Bits512) => new WinogradKernel<Float32Image, Lanes512>(),
        (false, VectorWidth.Bits256) => new WinogradKernel<Float32Image, Lanes256>(),
        (false, _) => new WinogradKernel<Float32Image, Lanes128>(),
        (true, VectorWidth.Bits512) => new WinogradKernel<BFloat16Image, Lanes512>(),
        (true, VectorWidth.Bits256) => new WinogradKernel<BFloat16Image, Lanes256>(),
        (true, _) => new WinogradKernel<BFloat16Image, Lanes128>(),
    };

    private static WinogradShape Shape(Tensor images) => new((int)images.shape[0], (int)images.shape[2], (int)images.shape[3]);
}
