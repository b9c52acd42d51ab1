using Convoy.Distributed.Interop;
using static TorchSharp.torch;

namespace Convoy.Distributed.Nn;

/// <summary>The mean and variance of each channel over the batches of all ranks.</summary>
/// <param name="Count">Elements of a channel on all ranks together.</param>
/// <param name="Mean">One a channel.</param>
/// <param name="SquaredDeviations">The sum of squared deviations from the mean, one a channel.</param>
internal sealed record BatchStatistics(double Count, double[] Mean, double[] SquaredDeviations)
{
    /// <summary>The variance over all elements.</summary>
    public double Variance(int channel) => SquaredDeviations[channel] / Count;

    /// <summary>The estimate of the variance of what the batch was drawn from.</summary>
    public double UnbiasedVariance(int channel) => SquaredDeviations[channel] / Math.Max(1, Count - 1);

    /// <summary>Computes this rank's part and combines it with the others', with one small all-gather. Ranks may have batches of different size, also none.</summary>
    /// <param name="input">[N, C, ...] in <paramref name="layout"/>, float32.</param>
    /// <param name="layout">Its layout.</param>
    /// <param name="group">The ranks.</param>
    public static unsafe BatchStatistics Compute(Tensor input, ChannelLayout layout, ProcessGroup group)
    {
        int channels = layout.Channels;
        double[] part = new double[1 + (2 * channels)]; // Count, means, squared deviations.
        part[0] = layout.Count;
        if (layout.Count > 0)
        {
            float* x = (float*)TensorMemory.Address(input);
            float[] shift = new float[channels];
            for (int channel = 0; channel < channels; channel++)
            {
                // Any value of the channel is near enough to its mean.
                shift[channel] = x[layout.ChannelsLast ? channel : channel * layout.Positions];
            }

            double[] sums = ChannelSums.Compute<MomentTerms>(x, x, layout, shift, get_num_threads());
            for (int channel = 0; channel < channels; channel++)
            {
                double mean = sums[channel] / layout.Count;
                part[1 + channel] = shift[channel] + mean;
                part[1 + channels + channel] = Math.Max(0, sums[channels + channel] - (mean * sums[channel]));
            }
        }

        using var scope = NewDisposeScope();
        Tensor[] gathered = [.. Enumerable.Range(0, group.Size).Select(_ => zeros([part.Length], float64))];
        group.AllGather(gathered, tensor(part));
        return Combine([.. gathered.Select(g => g.data<double>().ToArray())], channels);
    }

    // Chan, Golub and LeVeque, "Algorithms for computing the sample variance" (1983), for any number of parts.
    private static BatchStatistics Combine(double[][] parts, int channels)
    {
        double count = parts.Sum(part => part[0]);
        double[] means = new double[channels], deviations = new double[channels];
        for (int channel = 0; channel < channels; channel++)
        {
            double mean = parts.Sum(part => part[0] * part[1 + channel]) / count;
            means[channel] = mean;
            deviations[channel] = parts.Sum(part => part[1 + channels + channel] + (part[0] * (part[1 + channel] - mean) * (part[1 + channel] - mean)));
        }

        return new BatchStatistics(count, means, deviations);
    }
}
