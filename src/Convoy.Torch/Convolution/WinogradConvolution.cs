using System.Numerics;
using Convoy.Torch.Autograd;
using Convoy.Torch.Interop;
using Convoy.Torch.Kernels;
using Convoy.Torch.Normalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Torch.Convolution;

/// <summary>3x3 convolution, stride 1, padding 1, no bias, and its gradients, of tensors by <see cref="WinogradKernel{TElements}"/>.</summary>
internal static unsafe class WinogradConvolution
{
    // Filters are brought to their points for each call: with few tiles that costs more than the tiles save. A batch of 4 images with 21 tiles each and 512 channels
    // gains 1.9 in float32, and about a tenth in bfloat16, for which libtorch's convolution is twice as fast. An image's tiles and not the
    // batch's decide, so that a part of a batch is computed as the whole is.
    private const int ChannelsPerTile = 32;

    /// <summary>
    /// Whether the kernel takes these and gains by it: on the CPU, float32 or bfloat16 in channels-last order, float32 weights of 3x3, channels in whole
    /// vectors, images of more than a few tiles.
    /// </summary>
    /// <param name="input">[N, C, H, W].</param>
    /// <param name="weight">[K, C, 3, 3].</param>
    /// <param name="dtype">The type that the input is to be cast to.</param>
    public static bool Fits(Tensor input, Tensor weight, ScalarType dtype) =>
        Vector.IsHardwareAccelerated
        && input.device_type == DeviceType.CPU
        && weight.device_type == DeviceType.CPU
        && dtype is ScalarType.Float32 or ScalarType.BFloat16
        && weight.dtype == ScalarType.Float32
        && input.dim() == 4
        && input.numel() > 0
        && weight.shape is [var outChannels, var inChannels, 3, 3]
        && input.shape[1] == inChannels
        && outChannels % MatrixKernel.Columns == 0
        && inChannels % MatrixKernel.Columns == 0
        && (long)(Shape(input) with { Batch = 1 }).Tiles * ChannelsPerTile >= Math.Max(outChannels, inChannels)
        && ChannelLayout.IsChannelsLast(input);

    /// <summary>[N, K, H, W], in the input's type.</summary>
    /// <param name="input">[N, C, H, W], channels-last.</param>
    /// <param name="weight">[K, C, 3, 3], float32.</param>
    /// <param name="bias">[K], float32, which is added before rounding; null for none.</param>
    public static Tensor Convolve(Tensor input, Tensor weight, Tensor? bias = null) => Run(input, weight, bias, forInputGradient: false);

    /// <summary>The gradient of the input, [N, C, H, W].</summary>
    /// <param name="gradient">Of the result, [N, K, H, W], channels-last.</param>
    /// <param name="weight">[K, C, 3, 3], float32.</param>
    public static Tensor InputGradient(Tensor gradient, Tensor weight) => Run(gradient, weight, null, forInputGradient: true);

    /// <summary>The gradient of the weights, [K, C, 3, 3], float32.</summary>
    /// <param name="input">[N, C, H, W], channels-last.</param>
    /// <param name="gradient">Of the result, [N, K, H, W], channels-last, in the input's type.</param>
    public static Tensor WeightGradient(Tensor input, Tensor gradient)
    {
        (int inChannels, int outChannels) = ((int)input.shape[1], (int)gradient.shape[1]);
        using Tensor result = empty([outChannels, 3, 3, inChannels], ScalarType.Float32);
        byte* images = TensorMemory.Address(input), beside = TensorMemory.Address(gradient);
        float* to = (float*)TensorMemory.Address(result);
        if (input.dtype == ScalarType.BFloat16)
        {
            WinogradKernel<BFloat16Elements>.FilterGradient(images, beside, to, Shape(input), inChannels, outChannels, get_num_threads());
        }
        else
        {
            WinogradKernel<NativeElements<float>>.FilterGradient(images, beside, to, Shape(input), inChannels, outChannels, get_num_threads());
        }

        return result.permute(0, 3, 1, 2);
    }

    private static Tensor Run(Tensor images, Tensor weight, Tensor? bias, bool forInputGradient)
    {
        (int outChannels, int inChannels) = ((int)weight.shape[0], (int)weight.shape[1]);
        WinogradShape shape = Shape(images);

        // A view where the weights are in channels-last order, too.
        using Tensor turned = weight.permute(0, 2, 3, 1), taps = turned.contiguous();
        float* weights = (float*)TensorMemory.Address(taps), shift = bias is null ? null : (float*)TensorMemory.Address(bias);
        WinogradFilter filter = forInputGradient ? WinogradFilter.ForInputGradient(weights, outChannels, inChannels) : WinogradFilter.ForOutput(weights, outChannels, inChannels);
        using Tensor result = empty([shape.Batch, shape.Height, shape.Width, filter.Results], images.dtype);
        if (images.dtype == ScalarType.BFloat16)
        {
            WinogradKernel<BFloat16Elements>.Convolve(TensorMemory.Address(images), filter, shift, TensorMemory.Address(result), shape, get_num_threads());
        }
        else
        {
            WinogradKernel<NativeElements<float>>.Convolve(TensorMemory.Address(images), filter, shift, TensorMemory.Address(result), shape, get_num_threads());
        }

        return result.permute(0, 3, 1, 2);
    }

    private static WinogradShape Shape(Tensor images) => new((int)images.shape[0], (int)images.shape[2], (int)images.shape[3]);
}

/// <summary>
/// <see cref="WinogradKernel{TElements}"/> with its gradients. Arguments: input (float32 or bfloat16, channels-last), weight (float32), <see cref="BackwardGuard"/>.
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
        }, context: ctx);
    }
}
