using Convoy.Distributed.Interop;
using Convoy.Distributed.Nn.Channels;
using static TorchSharp.torch;

namespace Convoy.Distributed.Nn.Normalization;

/// <summary>What a layer's passes have to know besides the tensors.</summary>
/// <param name="Statistics">Those of all ranks together.</param>
/// <param name="Layout">The input's.</param>
/// <param name="Epsilon">Added to the variance.</param>
/// <param name="Group">The ranks.</param>
/// <param name="InputNeedsGradient">Whether the input needs a gradient, on all ranks: only that one takes communication.</param>
/// <param name="Returned">Keeps what backward gives to libtorch for as long as it must.</param>
internal sealed unsafe record NormalizationContext(
    BatchStatistics Statistics, ChannelLayout Layout, double Epsilon, ProcessGroup Group, bool InputNeedsGradient, ReturnedGradients Returned)
{
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
