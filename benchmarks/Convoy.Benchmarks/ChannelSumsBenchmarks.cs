using BenchmarkDotNet.Attributes;
using Convoy.Distributed.Nn.Normalization;

namespace Convoy.Benchmarks;

/// <summary>The sums of each channel that batch norm's statistics and gradients are made of.</summary>
public class ChannelSumsBenchmarks : ChannelBenchmarks
{
    private double[] _shift = [];

    /// <inheritdoc/>
    public override void Fill()
    {
        base.Fill();
        _shift = new double[Layout.Channels];
    }

    /// <summary>Sum and sum of squares: the forward pass.</summary>
    [Benchmark]
    public double Moments() => ChannelSums.Compute<MomentTerms>(X, X, Layout, _shift, threads: 1)[0];

    /// <summary>Sums of the gradient and of gradient times input: the backward pass.</summary>
    [Benchmark]
    public double Gradients() => ChannelSums.Compute<GradientTerms>(X, Dy, Layout, _shift, threads: 1)[0];
}
