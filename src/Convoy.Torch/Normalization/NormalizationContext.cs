using Convoy.Torch.Autograd;
using Convoy.Torch.Interop;
using static TorchSharp.torch;

namespace Convoy.Torch.Normalization;

/// <summary>What a layer's passes have to know besides the tensors.</summary>
/// <param name="Statistics">Those of all ranks together.</param>
/// <param name="Layout">The input's.</param>
/// <param name="Epsilon">Added to the variance.</param>
/// <param name="Reduction">The other ranks; null when there are none.</param>
/// <param name="InputNeedsGradient">Whether the input needs a gradient, on all ranks: only that one takes communication.</param>
/// <param name="Guard">What backward passes run under.</param>
internal sealed unsafe record NormalizationContext(
    BatchStatistics Statistics, ChannelLayout Layout, double Epsilon, IStatisticsReduction? Reduction, bool InputNeedsGradient, BackwardGuard Guard)
{
    /// <summary>Runs a backward pass; also without an output's gradient, as the other ranks wait for this one's sums.</summary>
    /// <param name="count">How many arguments the forward pass had.</param>
    /// <param name="gradient">The output's gradient, perhaps undefined.</param>
    /// <param name="compute">The pass.</param>
    public List<Tensor> RunBackward(int count, Tensor gradient, Func<Tensor, Tensor?[]> compute) =>
        Guard.Run(count, gradient, compute, withoutGradient: true, Reduction is null ? null : Reduction.Fail);

    /// <summary>The mean, and what an element less the mean is multiplied by and what is added to it.</summary>
    /// <param name="weight">[C], or null for ones.</param>
    /// <param name="bias">[C], or null for zeros.</param>
    public ChannelConstants Constants(Tensor? weight, Tensor? bias)
    {
        double[] scale = Statistics.InverseDeviation(Epsilon);
        if (Values(weight) is { } weights)
        {
            for (int channel = 0; channel < scale.Length; channel++)
            {
                scale[channel] *= weights[channel];
            }
        }

        return new ChannelConstants(Statistics.Mean) { Scale = scale, Bias = Values(bias) };
    }

    private static double[]? Values(Tensor? perChannel)
    {
        using Tensor? wide = perChannel?.detach().to(ScalarType.Float64).contiguous();
        return wide is null ? null : new ReadOnlySpan<double>(TensorMemory.Address(wide), (int)wide.numel()).ToArray();
    }
}
