using Convoy.Distributed.Amp;
using Convoy.Lanes.Autograd;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Lanes.Convolution;

/// <summary>
/// A convolution of 3x3, stride 1, padding 1, without bias, as <c>torch.nn.Conv2d(C, K, 3, padding=1, bias=False)</c> and with its
/// parameter, by Winograd's algorithm: a quarter of the multiplications. [N, C, H, W] to [N, K, H, W].
/// </summary>
/// <remarks>
/// <para>
/// It runs where the input is channels-last on the CPU, C and K are multiples of two vectors' length (16 with AVX2 and AVX-512) and the type is float32, or
/// bfloat16 under autocast; arithmetic is float32 in both. Everything else goes through libtorch's convolution.
/// </para>
/// <para>
/// Rounding differs from the plain sum's: float32 to about 1e-6 of the largest element. Not thread-safe. Source: Lavin and Gray, "Fast Algorithms for
/// Convolutional Neural Networks", 2016.
/// </para>
/// </remarks>
public sealed class WinogradConv2d : nn.Module<Tensor, Tensor>
{
    private readonly Parameter _weight;
    private readonly BackwardGuard _guard = new();

    /// <summary>Makes the layer.</summary>
    /// <param name="weight">[K, C, 3, 3]; the layer's from now on.</param>
    /// <exception cref="ArgumentException">Another shape.</exception>
    public WinogradConv2d(Parameter weight)
        : base(nameof(WinogradConv2d))
    {
        ArgumentNullException.ThrowIfNull(weight);
        if (weight.dim() != 4 || weight.shape[2] != 3 || weight.shape[3] != 3)
        {
            throw new ArgumentException($"WinogradConv2d got weights [{string.Join(", ", weight.shape)}]. Give it [K, C, 3, 3].", nameof(weight));
        }

        _weight = weight;
        register_parameter(nameof(weight), weight);
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        _guard.Enter();
        using var scope = NewDisposeScope();
        bool narrow = Autocast.IsEnabled(DeviceType.CPU);
        bool plainType = narrow ? Autocast.Dtype(DeviceType.CPU) != ScalarType.BFloat16 : input.dtype != ScalarType.Float32;
        Tensor images = narrow && !plainType && input.dtype == ScalarType.Float32 ? input.to(ScalarType.BFloat16) : input;
        return (plainType || !WinogradConvolution.Fits(images, _weight)
            ? nn.functional.conv2d(input, _weight, strides: [1, 1], padding: [1, 1])
            : WinogradFunction.apply(images, _weight, _guard)).MoveToOuterDisposeScope();
    }

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
