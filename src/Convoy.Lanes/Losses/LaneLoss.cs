using Convoy.Lanes.Models;
using Convoy.Torch.Autograd;
using TorchSharp;
using static TorchSharp.torch.nn;
using static TorchSharp.torch;

namespace Convoy.Lanes.Losses;

/// <summary>
/// Weighted cross entropy plus the lane class's Dice loss, in fp32, or in fp64 when the logits are: logits [N, 2, h, w] and
/// masks [N, H, W] (0 or 1; uint8, bool or int64) to a scalar. Logits of another size than the masks are brought to it by bilinear
/// interpolation (PyTorch's, <c>align_corners=False</c>).
/// </summary>
/// <remarks>
/// Every term is a mean over images of a value of one image: the cross entropy is averaged over the image's own class
/// weights and Dice is taken of each image alone. So the mean of the ranks' losses over equal shares of a batch is the
/// loss of the whole batch, which neither the usual batch-wide weighted mean nor batch-wide Dice gives.
/// With two classes the cross entropy is a softplus of the difference d of the logits, log(1 + exp(d)) for background and
/// log(1 + exp(-d)) for lane, which needs one pass over half the values; and interpolation, being linear, need only be of d.
/// Dice: Milletari et al., "V-Net", 2016, with 1 added above and below so that an image without lanes is defined.
/// </remarks>
public sealed class LaneLoss : Module<Tensor, Tensor, Tensor>
{
    private readonly BackwardGuard _guard = new();
    private readonly bool _fused;

    /// <summary>Makes the loss.</summary>
    /// <param name="backgroundWeight">Weight of a background pixel in the cross entropy; above 0. Default 0.4.</param>
    /// <param name="laneWeight">Weight of a lane pixel in the cross entropy; above 0. Default 1.</param>
    /// <param name="fused">
    /// Whether one kernel interpolates and computes loss and gradient in one pass over the pixels, where the logits are on the CPU, not in
    /// fp64, and need a gradient. The results are those of plain operations to fp32 rounding. Default false.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A weight is not above 0.</exception>
    public LaneLoss(double backgroundWeight = 0.4, double laneWeight = 1, bool fused = false)
        : base(nameof(LaneLoss))
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(backgroundWeight);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(laneWeight);
        (BackgroundWeight, LaneWeight, _fused) = (backgroundWeight, laneWeight, fused);
    }

    /// <summary>Weight of a background pixel in the cross entropy.</summary>
    public double BackgroundWeight { get; }

    /// <summary>Weight of a lane pixel in the cross entropy.</summary>
    public double LaneWeight { get; }

    /// <summary>The mean of the images' losses.</summary>
    /// <param name="logits">[N, 2, h, w].</param>
    /// <param name="masks">[N, H, W], 1 for lane and 0 for background.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public override Tensor forward(Tensor logits, Tensor masks)
    {
        RequireFitting(logits, masks);
        _guard.Enter();
        using var scope = NewDisposeScope();
        return (IsForKernel(logits, masks) ? LaneLossFunction.apply(logits, masks, this, _guard) : Plain(_fused ? logits : Enlarge(logits, masks), masks)).MoveToOuterDisposeScope();
    }

    /// <summary>The loss composed of libtorch's operations, as the kernel computes it: the difference of the logits is interpolated, in fp32 or fp64.</summary>
    internal Tensor Plain(Tensor logits, Tensor masks)
    {
        using var scope = NewDisposeScope();
        ScalarType dtype = logits.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        Tensor truth = masks.to(dtype).flatten(1);
        // Widened first: a difference of two bf16 values is rarely one itself.
        Tensor coarse = logits.select(1, 1).to(dtype) - logits.select(1, 0).to(dtype);
        long[] size = masks.shape[1..];
        Tensor difference = coarse.shape[1] == size[0] && coarse.shape[2] == size[1]
            ? coarse.flatten(1)
            : functional.interpolate(coarse.unsqueeze(1), size, mode: InterpolationMode.Bilinear, align_corners: false).flatten(1);

        Tensor weights = (truth * (LaneWeight - BackgroundWeight)) + BackgroundWeight;
        Tensor entropies = functional.softplus(difference * (1 - (2 * truth)));
        Tensor crossEntropy = (weights * entropies).sum(1) / weights.sum(1);

        Tensor probability = difference.sigmoid();
        Tensor overlap = (probability * truth).sum(1);
        Tensor dice = 1 - (((2 * overlap) + 1) / (probability.sum(1) + truth.sum(1) + 1));

        return (crossEntropy + dice).mean().MoveToOuterDisposeScope();
    }

    /// <summary>Frees the gradient that it may still hold.</summary>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _guard.Dispose();
        }

        base.Dispose(disposing);
    }

    // Not fused, the logits are interpolated as they are, in their own type: what a network that ends with that step would give.
    private static Tensor Enlarge(Tensor logits, Tensor masks) =>
        logits.shape[2] == masks.shape[1] && logits.shape[3] == masks.shape[2] ? logits : LaneDetectionModel.Enlarge(logits, masks.shape[1], masks.shape[2]);

    private static void RequireFitting(Tensor logits, Tensor masks)
    {
        ArgumentNullException.ThrowIfNull(logits);
        ArgumentNullException.ThrowIfNull(masks);
        if (logits.dim() != 4 || logits.shape[1] != 2 || masks.dim() != 3 || masks.shape[0] != logits.shape[0])
        {
            throw new ArgumentException($"LaneLoss got logits [{string.Join(", ", logits.shape)}] and masks [{string.Join(", ", masks.shape)}]. Give it [N, 2, h, w] and [N, H, W].", nameof(logits));
        }
    }

    private bool IsForKernel(Tensor logits, Tensor masks) =>
        _fused
        && logits.requires_grad
        && is_grad_enabled()
        && logits.dtype is ScalarType.Float32 or ScalarType.BFloat16 or ScalarType.Float16
        && logits.device_type == DeviceType.CPU
        && masks.device_type == DeviceType.CPU
        && logits.numel() > 0
        && masks.numel() > 0;
}
