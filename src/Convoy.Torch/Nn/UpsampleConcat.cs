using Convoy.Torch.Autograd;
using Convoy.Torch.Interpolation;
using Convoy.Torch.Normalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Torch.Nn;

/// <summary>
/// Brings deeper features to the size of finer ones by bilinear interpolation (PyTorch's, <c>align_corners=False</c>) and joins the
/// two along the channels: <c>cat([interpolate(deep), skip], 1)</c> in one pass over memory.
/// </summary>
/// <remarks>
/// One kernel does it for float32 and bfloat16 tensors in channels-last memory on the CPU; bfloat16 is interpolated in float32 and
/// rounded once. Anything else goes through plain operations. The gradient of the skip features is a view of the output's.
/// Not thread-safe.
/// </remarks>
public sealed class UpsampleConcat : IDisposable
{
    private readonly BackwardGuard _guard = new();

    /// <summary>The joined features.</summary>
    /// <param name="deep">[N, C, h, w].</param>
    /// <param name="skip">[N, D, H, W].</param>
    /// <returns>[N, C + D, H, W]: first the deeper features' channels, then the finer ones'.</returns>
    public Tensor Join(Tensor deep, Tensor skip)
    {
        ArgumentNullException.ThrowIfNull(deep);
        ArgumentNullException.ThrowIfNull(skip);
        _guard.Enter();

        // What the function's forward pass returns is a handle of its own beside the one that comes from here.
        using var scope = NewDisposeScope();
        return (Fits(deep, skip) ? UpsampleConcatFunction.apply(deep, skip, _guard) : JoinPlainly(deep, skip)).MoveToOuterDisposeScope();
    }

    /// <summary>The same through plain operations, for any device, type and layout.</summary>
    /// <inheritdoc cref="Join"/>
    public static Tensor JoinPlainly(Tensor deep, Tensor skip)
    {
        ArgumentNullException.ThrowIfNull(deep);
        ArgumentNullException.ThrowIfNull(skip);
        return UpsampleConcatFunction.JoinPlainly(deep, skip);
    }

    /// <summary>Frees the gradients that it still holds.</summary>
    public void Dispose() => _guard.Dispose();

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
