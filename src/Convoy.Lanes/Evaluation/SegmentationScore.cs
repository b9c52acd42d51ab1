using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Lanes.Evaluation;

/// <summary>
/// How well a mask of lane pixels (class 1) agrees with the true one: pixel counts, which add up over frames and over
/// ranks, and the ratios of their totals. A ratio of 0 to 0 is 0, as with scikit-learn's <c>zero_division=0</c>.
/// </summary>
/// <param name="TruePositives">Lane pixels predicted as lane.</param>
/// <param name="FalsePositives">Background pixels predicted as lane.</param>
/// <param name="FalseNegatives">Lane pixels predicted as background.</param>
/// <param name="TrueNegatives">Background pixels predicted as background.</param>
public readonly record struct SegmentationScore(long TruePositives, long FalsePositives, long FalseNegatives, long TrueNegatives)
{
    /// <summary>Intersection over union of the lane class, 0 to 1.</summary>
    public double LaneIoU => Ratio(TruePositives, TruePositives + FalsePositives + FalseNegatives);

    /// <summary>The share of predicted lane pixels that are lane, 0 to 1.</summary>
    public double Precision => Ratio(TruePositives, TruePositives + FalsePositives);

    /// <summary>The share of lane pixels that were found, 0 to 1.</summary>
    public double Recall => Ratio(TruePositives, TruePositives + FalseNegatives);

    /// <summary>The harmonic mean of precision and recall, 0 to 1.</summary>
    public double F1 => Ratio(2 * TruePositives, (2 * TruePositives) + FalsePositives + FalseNegatives);

    /// <summary>How many pixels were counted.</summary>
    public long Pixels => TruePositives + FalsePositives + FalseNegatives + TrueNegatives;

    /// <summary>The counts of both.</summary>
    public static SegmentationScore operator +(SegmentationScore left, SegmentationScore right) => left.Add(right);

    /// <summary>Counts the pixels of one mask, or of several one after the other.</summary>
    /// <param name="predicted">0 for background, any other value for lane.</param>
    /// <param name="truth">The same for the true mask, of the same length.</param>
    /// <exception cref="ArgumentException">The masks differ in length.</exception>
    public static SegmentationScore Count(ReadOnlySpan<byte> predicted, ReadOnlySpan<byte> truth)
    {
        if (predicted.Length != truth.Length)
        {
            throw new ArgumentException($"The predicted mask has {predicted.Length} pixels, the true one {truth.Length}.", nameof(predicted));
        }

        long both = 0;
        long predictedLane = 0;
        long trueLane = 0;
        for (int i = 0; i < predicted.Length; i++)
        {
            int p = predicted[i] != 0 ? 1 : 0;
            int t = truth[i] != 0 ? 1 : 0;
            both += p & t;
            predictedLane += p;
            trueLane += t;
        }

        return FromTotals(both, predictedLane, trueLane, predicted.Length);
    }

    /// <summary>Counts the pixels of a batch of masks, on the device where they are.</summary>
    /// <param name="predicted">[B, H, W] or any other shape, boolean or integer: 0 for background, any other value for lane.</param>
    /// <param name="truth">The same for the true masks, of the same shape.</param>
    /// <exception cref="ArgumentException">The masks differ in shape.</exception>
    public static SegmentationScore Count(Tensor predicted, Tensor truth)
    {
        ArgumentNullException.ThrowIfNull(predicted);
        ArgumentNullException.ThrowIfNull(truth);
        if (!predicted.shape.AsSpan().SequenceEqual(truth.shape))
        {
            throw new ArgumentException(
                $"The predicted masks are [{string.Join(", ", predicted.shape)}], the true ones [{string.Join(", ", truth.shape)}].",
                nameof(predicted));
        }

        using DisposeScope scope = NewDisposeScope();
        using var noGradient = no_grad();
        Tensor predictedLane = predicted.not_equal(0);
        Tensor trueLane = truth.not_equal(0);
        return FromTotals(
            predictedLane.logical_and(trueLane).sum().item<long>(),
            predictedLane.sum().item<long>(),
            trueLane.sum().item<long>(),
            predicted.numel());
    }

    /// <summary>The counts of both.</summary>
    public SegmentationScore Add(SegmentationScore other) => new(
        TruePositives + other.TruePositives,
        FalsePositives + other.FalsePositives,
        FalseNegatives + other.FalseNegatives,
        TrueNegatives + other.TrueNegatives);

    private static SegmentationScore FromTotals(long both, long predictedLane, long trueLane, long pixels) =>
        new(both, predictedLane - both, trueLane - both, pixels - predictedLane - trueLane + both);

    private static double Ratio(long part, long whole) => whole == 0 ? 0 : (double)part / whole;
}
