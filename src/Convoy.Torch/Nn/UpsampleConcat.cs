using Convoy.Torch.Autograd;
using Convoy.Torch.Interpolation;
using Convoy.Torch.Normalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Torch.Nn;

/// <summary>
/// A U-Net's step up: brings deeper features to the size of finer ones by bilinear interpolation (PyTorch's, <c>align_corners=False</c>) and joins the
/// two along the channels, <c>cat([interpolate(deep), skip], 1)</c>, by plain operations. <see cref="Fusion.Apply"/> puts <see cref="FusedUpsampleConcat"/> in its place.
/// </summary>
public sealed class UpsampleConcat : nn.Module<Tensor, Tensor, Tensor>
{
    /// <summary>A new step; it has no parameters.</summary>
    public UpsampleConcat()
        : base(nameof(UpsampleConcat))
    {
    }

    /// <summary>The joined features.</summary>
    /// <param name="deep">[N, C, h, w].</param>
    /// <param name="skip">[N, D, H, W].</param>
    /// <returns>[N, C + D, H, W]: first the deeper features' channels, then the finer ones'.</returns>
    public override Tensor forward(Tensor deep, Tensor skip)
    {
        ArgumentNullException.ThrowIfNull(deep);
        ArgumentNullException.ThrowIfNull(skip);
        return UpsampleConcatFunction.JoinPlainly(deep, skip);
    }
}

/// <summary><see cref="UpsampleConcat"/> in one pass over memory.</summary>
/// <remarks>
/// One kernel does it for float32 and bfloat16 tensors in channels-last memory on the CPU; bfloat16 is interpolated in float32 and
/// rounded once. Anything else goes through plain operations.
/// Not thread-safe.
/// </remarks>
public sealed class FusedUpsampleConcat : nn.Module<Tensor, Tensor, Tensor>
{
    private readonly BackwardGuard _guard;

    /// <summary>A new step; it has no parameters.</summary>
    public FusedUpsampleConcat()
        : this(new BackwardGuard())
    {
    }

    internal FusedUpsampleConcat(BackwardGuard guard)
        : base(nameof(FusedUpsampleConcat)) => _guard = guard;

    /// <inheritdoc cref="UpsampleConcat.forward"/>
    /// <exception cref="Exception">What made the backward pass before fail, if it did; its gradients are missing.</exception>
    public override Tensor forward(Tensor deep, Tensor skip)
    {
        ArgumentNullException.ThrowIfNull(deep);
        ArgumentNullException.ThrowIfNull(skip);
        _guard.Enter();

        // What the function's forward pass returns is a handle of its own beside the one that comes from here.
        using var scope = NewDisposeScope();
        return (Fits(deep, skip) ? UpsampleConcatFunction.apply(deep, skip, _guard) : UpsampleConcatFunction.JoinPlainly(deep, skip)).MoveToOuterDisposeScope();
    }

    /// <summary>Frees the gradients that it still holds.</summary>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _guard.Dispose();
        }

        base.Dispose(disposing);
    }

    private static bool Fits(Tensor deep, Tensor skip) =>
        deep.dtype is ScalarType.Float32 or ScalarType.BFloat16
        && skip.dtype == deep.dtype
        && deep.device_type == DeviceType.CPU
        && skip.device_type == DeviceType.CPU
        && deep.dim() == 4
        && skip.dim() == 4
        && deep.shape[0] == skip.shape[0]
        && deep.numel() > 0
        && skip.numel() > 0
        && ChannelLayout.IsChannelsLast(deep)
        && ChannelLayout.IsChannelsLast(skip);
}
