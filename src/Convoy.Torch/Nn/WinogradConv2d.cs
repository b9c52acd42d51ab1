using Convoy.Torch.Amp;
using Convoy.Torch.Autograd;
using Convoy.Torch.Convolution;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Torch.Nn;

/// <summary>
/// A convolution of 3x3, stride 1, padding 1, without bias, as <c>torch.nn.Conv2d(C, K, 3, padding=1, bias=False)</c> and with its
/// parameter, by Winograd's algorithm: a quarter of the multiplications. [N, C, H, W] to [N, K, H, W].
/// </summary>
/// <remarks>
/// <para>
/// It runs where the input is channels-last on the CPU, C and K are multiples of two of .NET's vectors (16 with AVX2 and AVX-512), the images are not so small that
/// bringing the filters to their points costs more than is saved (under half a pixel for each channel), and the type is float32, or bfloat16
/// under autocast; arithmetic is float32 in both. Everything else goes through libtorch's convolution.
/// </para>
/// <para>
/// A bias comes in where a batch norm is folded (<see cref="BatchNormFolding"/>). Rounding differs from the plain sum's: float32 to a few millionths of the largest element. Not thread-safe. Source: Lavin and Gray, "Fast Algorithms for
/// Convolutional Neural Networks", 2016.
/// </para>
/// </remarks>
public sealed class WinogradConv2d : nn.Module<Tensor, Tensor>
{
    private readonly BackwardGuard _guard;

    /// <summary>Makes the layer.</summary>
    /// <param name="weight">[K, C, 3, 3]; the layer's from now on.</param>
    /// <exception cref="ArgumentException">Another shape.</exception>
    public WinogradConv2d(Parameter weight)
        : this(weight, new BackwardGuard())
    {
    }

    // The layers of a network share what keeps a layer's gradients alive, so that they give way to those of the next layer.
    internal WinogradConv2d(Parameter weight, BackwardGuard guard)
        : base(nameof(WinogradConv2d))
    {
        ArgumentNullException.ThrowIfNull(weight);
        if (weight.dim() != 4 || weight.shape[2] != 3 || weight.shape[3] != 3)
        {
            throw new ArgumentException($"WinogradConv2d got weights [{string.Join(", ", weight.shape)}]. Give it [K, C, 3, 3].", nameof(weight));
        }

        _guard = guard;
        register_parameter(nameof(weight), weight);
    }

    /// <summary>
    /// Replaces every convolution inside <paramref name="module"/> that is of 3x3, stride 1, padding 1 with zeros, dilation 1, one group and without bias by this layer;
    /// parameters stay the same tensors under the same names. Hooks of a replaced layer are lost.
    /// </summary>
    /// <param name="module">Any module; such convolutions must be held in fields, lists or dictionaries whose type also admits another module.</param>
    /// <typeparam name="T">The module's type.</typeparam>
    /// <returns><paramref name="module"/>.</returns>
    /// <exception cref="ArgumentException">It is such a convolution itself, or one inside cannot be replaced, as its field is declared as <c>Conv2d</c>; the message names the field.</exception>
    public static T Convert<T>(T module)
        where T : nn.Module
    {
        ArgumentNullException.ThrowIfNull(module);
        if (module is Conv2d own && IsReplaceable(own))
        {
            throw new ArgumentException($"a {typeof(T).Name} cannot become a WinogradConv2d in place. Make one of its weight.", nameof(module));
        }

        var guard = new BackwardGuard();
        ModuleReplacement.ReplaceAll(module, child => child is Conv2d convolution && IsReplaceable(convolution) ? new WinogradConv2d(convolution.weight, guard) : null);
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

        // Outside regions, a bfloat16 input is an error that libtorch's convolution reports.
        bool isPossible = region is not null || computed == ScalarType.Float32;
        if (!isPossible || !WinogradConvolution.Fits(input, weight, computed))
        {
            return nn.functional.conv2d(input, weight, bias, strides: [1, 1], padding: [1, 1]).MoveToOuterDisposeScope();
        }

        if (!is_grad_enabled() && (bias is null || bias.dtype == ScalarType.Float32))
        {
            return WinogradConvolution.Convolve(input.to(computed), weight, bias).MoveToOuterDisposeScope();
        }

        Tensor result = WinogradFunction.apply(input.to(computed), weight, _guard);
        return (bias is null ? result : result + bias.to(result.dtype).reshape(1, -1, 1, 1)).MoveToOuterDisposeScope();
    }

    // A folded batch norm's, [K].
    internal void AddBias(Parameter bias) => register_parameter(nameof(bias), bias);

    internal static bool IsReplaceable(Conv2d convolution) =>
        Has(convolution.kernel_size, 3) && Has(convolution.stride, 1) && Has(convolution.padding, 1) && Has(convolution.dilation, 1)
        && convolution.groups == 1 && convolution.padding_mode == PaddingModes.Zeros && convolution.bias is null;

    private static bool Has(long[]? sizes, long size) => sizes is { Length: > 0 } && sizes.All(one => one == size);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _guard.Dispose();
        }

        base.Dispose(disposing);
    }
}
