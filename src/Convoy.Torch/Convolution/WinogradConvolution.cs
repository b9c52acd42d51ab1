using Convoy.Torch.Autograd;
using Convoy.Torch.Interop;
using Convoy.Torch.Kernels;
using Convoy.Torch.Normalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Torch.Convolution;

/// <summary>3x3 convolution, stride 1, padding 1, no bias, and its gradients, of tensors by <see cref="WinogradKernel{TElements, TLanes}"/>.</summary>
internal static unsafe class WinogradConvolution
{
    // Filters are brought to their points for each call: with few tiles that costs more than the tiles save.
    private const int ChannelsPerTile = 32;

    /// <summary>
    /// Whether the kernel computes these: on the CPU, float32 or bfloat16 in channels-last order, float32 weights of 3x3, channels in multiples of <see cref="WinogradShape.Channels"/>.
    /// </summary>
    /// <param name="input">[N, C, H, W].</param>
    /// <param name="weight">[K, C, 3, 3].</param>
    /// <param name="dtype">The type that the input is to be cast to.</param>
    public static bool CanCompute(Tensor input, Tensor weight, ScalarType dtype) =>
        VectorWidths.Supported.Count > 0
        && input.device_type == DeviceType.CPU
        && weight.device_type == DeviceType.CPU
        && dtype is ScalarType.Float32 or ScalarType.BFloat16
        && weight.dtype == ScalarType.Float32
        && input.dim() == 4
        && input.numel() > 0
        && weight.shape is [var outChannels, var inChannels, 3, 3]
        && input.shape[1] == inChannels
        && outChannels % WinogradShape.Channels == 0
        && inChannels % WinogradShape.Channels == 0
        && ChannelLayout.IsChannelsLast(input);

    /// <summary>
    /// Whether an image has so many tiles that the kernel is faster than a direct convolution: the fixed rule, for where nothing was measured. An image's tiles and not the
    /// batch's decide, so that a part of a batch is computed as the whole is.
    /// </summary>
    /// <param name="input">[N, C, H, W].</param>
    /// <param name="weight">[K, C, 3, 3].</param>
    public static bool IsWorthIt(Tensor input, Tensor weight) =>
        (long)(Shape(input) with { Batch = 1 }).Tiles * ChannelsPerTile >= Math.Max(weight.shape[0], weight.shape[1]);

    /// <summary>The fixed choice: <see cref="CanCompute"/> and <see cref="IsWorthIt"/>.</summary>
    /// <inheritdoc cref="CanCompute"/>
    public static bool Fits(Tensor input, Tensor weight, ScalarType dtype) => CanCompute(input, weight, dtype) && IsWorthIt(input, weight);

    /// <summary>[N, K, H, W], in the input's type.</summary>
    /// <param name="input">[N, C, H, W], channels-last.</param>
    /// <param name="weight">[K, C, 3, 3], float32.</param>
    /// <param name="bias">[K], float32, which is added before rounding; null for none.</param>
    /// <param name="width">The vectors' width, one that the processor has; null for the widest. It changes no bit.</param>
    public static Tensor Convolve(Tensor input, Tensor weight, Tensor? bias = null, VectorWidth? width = null) => Run(input, weight, bias, forInputGradient: false, width);

    /// <summary>The gradient of the input, [N, C, H, W].</summary>
    /// <param name="gradient">Of the result, [N, K, H, W], channels-last.</param>
    /// <param name="weight">[K, C, 3, 3], float32.</param>
    /// <param name="width">As for <see cref="Convolve"/>.</param>
    public static Tensor InputGradient(Tensor gradient, Tensor weight, VectorWidth? width = null) => Run(gradient, weight, null, forInputGradient: true, width);

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

    private static Tensor Run(Tensor images, Tensor weight, Tensor? bias, bool forInputGradient, VectorWidth? width)
    {
        (int outChannels, int inChannels) = ((int)weight.shape[0], (int)weight.shape[1]);
        WinogradShape shape = Shape(images);

        // A view where the weights are in channels-last order, too.
        using Tensor turned = weight.permute(0, 2, 3, 1), taps = turned.contiguous();
        float* weights = (float*)TensorMemory.Address(taps), shift = bias is null ? null : (float*)TensorMemory.Address(bias);
        WinogradFilter filter = forInputGradient ? WinogradFilter.ForInputGradient(weights, outChannels, inChannels) : WinogradFilter.ForOutput(weights, outChannels, inChannels);
        using Tensor result = empty([shape.Batch, shape.Height, shape.Width, filter.Results], images.dtype);
        WinogradBlocking blocking = WinogradBlocking.ForOutput(filter.Terms, filter.Results, CacheSizes.OfThisMachine);
        Kernel(images.dtype, width).Convolve(TensorMemory.Address(images), filter, shift, TensorMemory.Address(result), shape, blocking, get_num_threads());
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

/// <summary>
/// <see cref="WinogradKernel{TElements, TLanes}"/> with its gradients. Arguments: input (float32 or bfloat16, channels-last), weight (float32), <see cref="BackwardGuard"/>.
/// </summary>
internal sealed unsafe class WinogradFunction : autograd.SingleTensorFunction<WinogradFunction>
{
    private const string InputNeedsGradient = nameof(InputNeedsGradient);
    private const string WeightNeedsGradient = nameof(WeightNeedsGradient);

    public override string Name => nameof(WinogradFunction);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        Tensor input = (Tensor)vars[0], weight = (Tensor)vars[1];
        ctx.save_for_backward([input, weight]);
        ctx.save_data(nameof(BackwardGuard), vars[2]);
        ctx.save_data(InputNeedsGradient, input.requires_grad);
        ctx.save_data(WeightNeedsGradient, weight.requires_grad);
        ctx.set_materialize_grads(false); // TorchSharp would make them from a tensor that the dispose scope has freed.
        return WinogradConvolution.Convolve(input, weight);
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var guard = (BackwardGuard)ctx.get_data(nameof(BackwardGuard));
        return guard.Run(3, grad_output, gradient =>
        {
            List<Tensor> saved = ctx.get_saved_variables();
            Tensor input = saved[0], weight = saved[1];
            bool wantsInput = (bool)ctx.get_data(InputNeedsGradient), wantsWeight = (bool)ctx.get_data(WeightNeedsGradient);
            if (is_grad_enabled())
            {
                // create_graph: through operations that libtorch can differentiate again.
                Tensor plain = nn.functional.conv2d(input, weight.to(input.dtype), strides: [1, 1], padding: [1, 1]);
                List<Tensor> wanted = [];
                wanted.AddRange(wantsInput ? [input] : []);
                wanted.AddRange(wantsWeight ? [weight] : []);
                IList<Tensor> gradients = autograd.grad([plain], wanted, [gradient], retain_graph: true, create_graph: true);
                return [wantsInput ? gradients[0] : null, wantsWeight ? gradients[^1] : null, null];
            }

            (Tensor dy, _) = ChannelLayout.MakeDense(gradient, channelsLast: true);
            return
            [
                wantsInput ? WinogradConvolution.InputGradient(dy, weight) : null,
                wantsWeight ? WinogradConvolution.WeightGradient(input, dy) : null,
                null,
            ];
        });
    }
}
