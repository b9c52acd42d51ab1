using Convoy.Torch.Amp;
using Convoy.Torch.Autograd;
using Convoy.Torch.Convolution;
using Convoy.Torch.Normalization;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Torch.Nn;

/// <summary>
/// A convolution, as <c>torch.nn.Conv2d</c> and with its parameters, whose result and gradients are each computed by the kernel that its
/// <see cref="ConvolutionKernels"/> name: libtorch's, or one of Convoy's own. [N, C, H, W] to [N, K, H', W'].
/// </summary>
/// <remarks>
/// <para>
/// Kernels are chosen where the input is channels-last on the CPU, in float32, or in bfloat16 under autocast, and the weights are float32. Everything else goes through libtorch's convolution.
/// </para>
/// <para>
/// Rounding of Convoy's kernels differs from the plain sum's: float32 to a few millionths of the largest
/// element. Not thread-safe.
/// </para>
/// </remarks>
public sealed class TunedConv2d : nn.Module<Tensor, Tensor>
{
    private readonly ConvolutionWeight _weight = new();
    private readonly BackwardGuard _guard;
    private readonly long[] _strides;
    private readonly long[] _paddings;

    /// <summary>Makes the layer.</summary>
    /// <param name="weight">[K, C, R, S]; the layer's from now on.</param>
    /// <param name="bias">[K], the layer's from now on; null, the default, for none.</param>
    /// <param name="stride">Rows and columns from one result to the next; at least 1. Default 1.</param>
    /// <param name="padding">Rows and columns of zeros on each side; at least 0. Default 0.</param>
    /// <param name="kernels">Name the kernels; shared by the layers of a network. Null, the default: the fixed choice.</param>
    /// <exception cref="ArgumentException">The weights have another number of dimensions.</exception>
    public TunedConv2d(Parameter weight, Parameter? bias = null, long stride = 1, long padding = 0, ConvolutionKernels? kernels = null)
        : this(weight, bias, [stride, stride], [padding, padding], kernels ?? new ConvolutionKernels(), new BackwardGuard())
    {
    }

    // In place of another layer. The layers of a network share what keeps a layer's gradients alive, so that they give way to those of the next layer.
    internal TunedConv2d(Conv2d replaced, ConvolutionKernels kernels, BackwardGuard guard)
        : this(replaced.weight, replaced.bias, Both(replaced.stride!), Both(replaced.padding!), kernels, guard)
    {
    }

    private TunedConv2d(Parameter weight, Parameter? bias, long[] strides, long[] paddings, ConvolutionKernels kernels, BackwardGuard guard)
        : base(nameof(TunedConv2d))
    {
        ArgumentNullException.ThrowIfNull(weight);
        ArgumentOutOfRangeException.ThrowIfLessThan(strides.Min(), 1, "stride");
        ArgumentOutOfRangeException.ThrowIfNegative(paddings.Min(), "padding");
        if (weight.dim() != 4)
        {
            throw new ArgumentException($"TunedConv2d got weights [{string.Join(", ", weight.shape)}]. Give it [K, C, R, S].", nameof(weight));
        }

        (_strides, _paddings, Kernels, _guard) = (strides, paddings, kernels, guard);
        register_parameter(nameof(weight), weight);
        if (bias is not null)
        {
            AddBias(bias);
        }
    }

    /// <summary>Name the kernels of this layer and of those that share them.</summary>
    public ConvolutionKernels Kernels { get; }

    /// <summary>The sizes of the convolution of an input.</summary>
    /// <param name="input">[N, C, H, W].</param>
    public ConvolutionShape ShapeOf(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return ConvolutionShape.Of(input, get_parameter(nameof(Conv2d.weight))!, _strides, _paddings);
    }

    /// <summary>
    /// Replaces every convolution inside <paramref name="module"/> that has one group, dilation 1 and zeros as padding by this layer;
    /// parameters stay the same tensors under the same names. Hooks of a replaced layer are lost.
    /// </summary>
    /// <param name="module">Any module; such convolutions must be held in fields, lists or dictionaries whose type also admits another module.</param>
    /// <param name="kernels">Name the kernels of all layers; null, the default: the fixed choice.</param>
    /// <typeparam name="T">The module's type.</typeparam>
    /// <returns><paramref name="module"/>.</returns>
    /// <exception cref="ArgumentException">It is such a convolution itself, or one inside cannot be replaced, as its field is declared as <c>Conv2d</c>; the message names the field.</exception>
    public static T Convert<T>(T module, ConvolutionKernels? kernels = null)
        where T : nn.Module
    {
        ArgumentNullException.ThrowIfNull(module);
        if (module is Conv2d own && IsReplaceable(own))
        {
            throw new ArgumentException($"a {typeof(T).Name} cannot become a TunedConv2d in place. Make one of its weight and bias.", nameof(module));
        }

        kernels ??= new ConvolutionKernels();
        var guard = new BackwardGuard();
        ModuleReplacement.ReplaceAll(module, child => child is Conv2d convolution && IsReplaceable(convolution) ? new TunedConv2d(convolution, kernels, guard) : null);
        return module;
    }

    /// <summary>The convolution of <paramref name="input"/>.</summary>
    /// <param name="input">[N, C, H, W].</param>
    /// <exception cref="Exception">What the backward pass before failed of, if it did; its gradients are missing.</exception>
    public override Tensor forward(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        _guard.Enter();
        using var scope = NewDisposeScope();

        // By name: to(dtype) and to(device) put other tensors there.
        Tensor weight = get_parameter(nameof(weight))!;
        Tensor? bias = get_parameter(nameof(bias));
        ScalarType? region = Autocast.IsEnabled(DeviceType.CPU) ? Autocast.Dtype(DeviceType.CPU) : null;
        ScalarType computed = input.dtype == ScalarType.Float64 ? input.dtype : region ?? input.dtype;
        if (!CanChoose(input, weight, computed, region is not null))
        {
            return nn.functional.conv2d(input, weight, bias, strides: _strides, padding: _paddings).MoveToOuterDisposeScope();
        }

        ConvolutionShape shape = ShapeOf(input);
        return (Kernels.Observed(input, weight, shape, computed) ?? Compute(input, weight, bias, shape, computed)).MoveToOuterDisposeScope();
    }

    // [K]; also a folded batch norm's.
    internal void AddBias(Parameter bias) => register_parameter(nameof(bias), bias);

    internal static bool IsReplaceable(Conv2d convolution) =>
        convolution.stride is { Length: > 0 } && convolution.padding is { Length: > 0 } && (convolution.dilation ?? []).All(one => one == 1)
        && convolution.groups == 1 && convolution.padding_mode == PaddingModes.Zeros;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _guard.Dispose();
            _weight.Dispose();
        }

        base.Dispose(disposing);
    }

    // Outside regions, a bfloat16 input is an error that libtorch's convolution reports.
    private static bool CanChoose(Tensor input, Tensor weight, ScalarType computed, bool inRegion) =>
        (inRegion ? computed is ScalarType.Float32 or ScalarType.BFloat16 : computed == ScalarType.Float32)
        && input.device_type == DeviceType.CPU
        && weight.device_type == DeviceType.CPU
        && weight.dtype == ScalarType.Float32
        && input.dim() == 4
        && input.numel() > 0
        && input.shape[1] == weight.shape[1]
        && ChannelLayout.IsChannelsLast(input);

    private Tensor Compute(Tensor input, Tensor weight, Tensor? bias, in ConvolutionShape shape, ScalarType computed)
    {
        IConvolutionAlgorithm forward = Kernels.Choose(shape, computed, ConvolutionPass.Forward);
        if (!is_grad_enabled() || !(input.requires_grad || weight.requires_grad || bias?.requires_grad == true))
        {
            // Not a part that is computed again in the backward pass, which has no gradients in its forward pass either.
            _weight.Set(weight, isEvaluated: !training);
            return forward.Forward(input.to(computed), _weight, bias?.to(ScalarType.Float32), shape);
        }

        IConvolutionAlgorithm inputGradient = Kernels.Choose(shape, computed, ConvolutionPass.InputGradient), weightGradient = Kernels.Choose(shape, computed, ConvolutionPass.WeightGradient);
        if (forward == ConvolutionAlgorithms.Libtorch && inputGradient == forward && weightGradient == forward)
        {
            return nn.functional.conv2d(input, weight, bias, strides: _strides, padding: _paddings);
        }

        _weight.Set(weight);
        return ConvolutionFunction.apply(input.to(computed), weight, bias!, new ConvolutionCall(shape, _weight, forward, inputGradient, weightGradient, _guard));
    }

    private static long[] Both(long[] sizes) => sizes.Length == 1 ? [sizes[0], sizes[0]] : sizes;
}
