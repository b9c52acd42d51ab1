using Convoy.Training.Measurement;

namespace Convoy.Cli.Benchmarks.Steps;

/// <summary>What an operator of a layer takes of a step on rank 0, beside what its arithmetic would take at the peak.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Operator">The operator.</param>
/// <param name="ForwardSeconds">Its time in the forward pass.</param>
/// <param name="BackwardSeconds">The time of its gradient.</param>
/// <param name="Gflop">Forward and backward arithmetic of a convolution, linear or recurrent layer; null for all else.</param>
/// <param name="AtPeakSeconds">What that would take at the measured peak of one process; null where <paramref name="Gflop"/> is.</param>
internal sealed record LayerTime(string Layer, string Operator, double ForwardSeconds, double BackwardSeconds, double? Gflop, double? AtPeakSeconds)
{
    /// <summary>Sets a row beside its work.</summary>
    public static LayerTime From(ProfileRow row, LayerWork? work, int images, double peakFlopsPerSecond)
    {
        double? flops = work is null ? null : images * (work.ForwardFlops + work.BackwardFlops);
        return new LayerTime(row.Layer, row.Operator, row.ForwardSeconds, row.BackwardSeconds, flops / 1e9, flops / peakFlopsPerSecond);
    }
}
