using static TorchSharp.torch;

namespace Convoy.Torch.Normalization;

/// <summary>The mean and variance of each channel over the batches of all ranks.</summary>
/// <param name="Count">Elements of a channel on all ranks together.</param>
/// <param name="Mean">One a channel.</param>
/// <param name="SquaredDeviations">The sum of squared deviations from the mean, one a channel.</param>
public sealed record BatchStatistics(double Count, double[] Mean, double[] SquaredDeviations)
{
    /// <summary>The variance of each channel over all elements; 0 when there are none.</summary>
    public double[] Variance => Array.ConvertAll(SquaredDeviations, sum => sum / Math.Max(1, Count));

    /// <summary>The estimate of the variance of what the batch was drawn from; of at least two elements.</summary>
    public double[] UnbiasedVariance => Array.ConvertAll(SquaredDeviations, sum => sum / (Count - 1));

    /// <summary>1 / sqrt(variance + <paramref name="epsilon"/>), one a channel.</summary>
    public double[] InverseDeviation(double epsilon) => Array.ConvertAll(SquaredDeviations, sum => 1 / Math.Sqrt((sum / Math.Max(1, Count)) + epsilon));

    /// <summary>
    /// Combines the statistics of parts, also of empty ones: Chan, Golub and LeVeque, "Algorithms for computing the sample variance"
    /// (1983), for any number of parts.
    /// </summary>
    /// <param name="parts">At least one, all with the same number of channels.</param>
    public static BatchStatistics Combine(ReadOnlySpan<BatchStatistics> parts)
    {
        int channels = parts[0].Mean.Length;
        double[] means = new double[channels], deviations = new double[channels];
        double count = 0;
        foreach (BatchStatistics part in parts)
        {
            count += part.Count;
        }

        if (count == 0)
        {
            return new BatchStatistics(0, means, deviations);
        }

        foreach (BatchStatistics part in parts)
        {
            for (int channel = 0; channel < channels; channel++)
            {
                means[channel] += part.Count / count * part.Mean[channel];
            }
        }

        foreach (BatchStatistics part in parts)
        {
            for (int channel = 0; channel < channels; channel++)
            {
                double offset = part.Mean[channel] - means[channel];
                deviations[channel] += part.SquaredDeviations[channel] + (part.Count * offset * offset);
            }
        }

        return new BatchStatistics(count, means, deviations);
    }

    /// <summary>The statistics of one process's batch.</summary>
    /// <param name="input">[N, C, ...] in <paramref name="layout"/>; N may be 0.</param>
    /// <param name="layout">Its layout.</param>
    internal static BatchStatistics Measure(Tensor input, ChannelLayout layout)
    {
        int channels = layout.Channels;
        double[] means = new double[channels], deviations = new double[channels];
        if (layout.Count == 0)
        {
            return new BatchStatistics(0, means, deviations);
        }

        // Any value of a channel is near enough to its mean; these are exact in the type of the input.
        double[] shift = ChannelNumbers.ReadFirst(input, layout);
        double[] sums = ChannelPass.Run<Moments>(new ChannelOperands(input), layout, new ChannelConstants(shift), get_num_threads());
        for (int channel = 0; channel < channels; channel++)
        {
            double offset = sums[channel] / layout.Count;
            means[channel] = shift[channel] + offset;
            deviations[channel] = Math.Max(0, sums[channels + channel] - (offset * sums[channel]));
        }

        return new BatchStatistics(layout.Count, means, deviations);
    }
}

/// <summary>
/// How a batch norm's statistics, and the sums of its backward pass, are combined with those of other ranks, each of which has a part of the batch. A layer without one
/// normalises its own batch alone.
/// </summary>
/// <remarks>Every rank makes the same calls in the same order.</remarks>
public interface IStatisticsReduction
{
    /// <summary>How many ranks there are; at least 1.</summary>
    int Ranks { get; }

    /// <summary>Combines this rank's statistics with those of all others.</summary>
    /// <param name="local">This rank's.</param>
    /// <param name="inputNeedsGradient">Whether this rank's backward pass will call <see cref="Sum"/>.</param>
    /// <returns>The statistics of the batches of all ranks together.</returns>
    BatchStatistics Combine(BatchStatistics local, bool inputNeedsGradient);

    /// <summary>
    /// Replaces values by their sums over all ranks. It runs inside of libtorch's backward pass and must not throw: where the sums cannot be had they become NaN, so that nobody
    /// mistakes what is computed of them for a gradient.
    /// </summary>
    /// <param name="values">This rank's values, in float64.</param>
    void Sum(double[] values);

    /// <summary>The sum of all ranks' tensors, which can be differentiated: the gradient of each rank's tensor is the sum of all ranks' gradients. Must not throw, as <see cref="Sum"/>.</summary>
    /// <param name="values">This rank's tensor.</param>
    Tensor DifferentiableSum(Tensor values);

    /// <summary>A backward pass failed on this rank alone, while the others wait for its sums: they have to learn of it, and so has this rank's caller.</summary>
    /// <param name="error">What was thrown.</param>
    void Fail(Exception error);
}
