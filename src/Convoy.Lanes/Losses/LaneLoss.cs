using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Convoy.Lanes.Losses;

/// <summary>
/// Weighted cross entropy plus the lane class's Dice loss, in fp32, or in fp64 when the logits are: logits [N, 2, H, W] and
/// masks [N, H, W] (int64, 0 or 1) to a scalar.
/// </summary>
/// <remarks>
/// Every term is a mean over images of a value of one image: the cross entropy is averaged over the image's own class
/// weights and Dice is taken of each image alone. So the mean of the ranks' losses over equal shares of a batch is the
/// loss of the whole batch, which neither the usual batch-wide weighted mean nor batch-wide Dice gives.
/// With two classes the cross entropy is a softplus of the difference d of the logits, log(1 + exp(d)) for background and
/// log(1 + exp(-d)) for lane, which needs one pass over half the values.
/// Dice: Milletari et al., "V-Net", 2016, with 1 added above and below so that an image without lanes is defined.
/// </remarks>
public sealed class LaneLoss : Module<Tensor, Tensor, Tensor>
{
    private readonly double _background;
    private readonly double _lane;

    /// <summary>Makes the loss.</summary>
    /// <param name="backgroundWeight">Weight of a background pixel in the cross entropy; above 0. Default 0.4.</param>
    /// <param name="laneWeight">Weight of a lane pixel in the cross entropy; above 0. Default 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A weight is not above 0.</exception>
    public LaneLoss(double backgroundWeight = 0.4, double laneWeight = 1)
        : base(nameof(LaneLoss))
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(backgroundWeight);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(laneWeight);
        _background = backgroundWeight;
        _lane = laneWeight;
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor logits, Tensor masks)
    {
        using var scope = NewDisposeScope();
        ScalarType dtype = logits.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        Tensor truth = masks.to(dtype).flatten(1);
        // Widened first: a difference of two bf16 values is rarely one itself.
        Tensor difference = (logits.select(1, 1).to(dtype) - logits.select(1, 0).to(dtype)).flatten(1);

        Tensor weights = (truth * (_lane - _background)) + _background;
        Tensor entropies = functional.softplus(difference * (1 - (2 * truth)));
        Tensor crossEntropy = (weights * entropies).sum(1) / weights.sum(1);

        Tensor probability = difference.sigmoid();
        Tensor overlap = (probability * truth).sum(1);
        Tensor dice = 1 - (((2 * overlap) + 1) / (probability.sum(1) + truth.sum(1) + 1));

        return (crossEntropy + dice).mean().MoveToOuterDisposeScope();
    }
}
