using System.Text.Json.Serialization;
using Convoy.Analysis.Statistics;
using Convoy.Training.Measurement;

namespace Convoy.Cli.Benchmarks.Steps;

/// <summary>What the runs of one configuration measured.</summary>
/// <param name="Configuration">The configuration.</param>
/// <param name="MedianSeconds">The median of the runs' times of a step.</param>
/// <param name="FastestSeconds">The fastest run's time of a step.</param>
/// <param name="SlowestSeconds">The slowest run's.</param>
/// <param name="RunSeconds">Each run's time of a step, in order: the median over updates of the mean over an update's steps.</param>
/// <param name="ImagesPerSecond">Images of all processes a second, by the median.</param>
/// <param name="Phases">Where the time went, mean of all measured steps.</param>
/// <param name="GflopPerSecond">What the counted arithmetic makes of the median.</param>
/// <param name="PeakGflopPerSecond">The arithmetic of all processes at the same time, <see cref="ArithmeticPeak"/>, the fastest measured.</param>
/// <param name="ShareOfPeak">GFLOP/s reached / peak.</param>
/// <param name="AtPeakSeconds">What the counted arithmetic of a step would take at the peak.</param>
/// <param name="MemoryPeakBytes">The highest resident set of a process, the largest of all runs.</param>
/// <param name="Profile">Where the time goes, layer by layer; null when it was not asked for.</param>
/// <param name="Copies">The ranks beside independent copies; null when that was not asked for, and for one process.</param>
internal sealed record StepResult(
    StepConfiguration Configuration,
    double MedianSeconds,
    double FastestSeconds,
    double SlowestSeconds,
    IReadOnlyList<double> RunSeconds,
    double ImagesPerSecond,
    StepPhases Phases,
    double GflopPerSecond,
    double PeakGflopPerSecond,
    double ShareOfPeak,
    double AtPeakSeconds,
    long MemoryPeakBytes,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] StepProfile? Profile = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] StepCopies? Copies = null)
{
    /// <summary>What computed each pass of each convolution; empty where no kernels are chosen.</summary>
    public IReadOnlyList<ConvolutionPassTime> Convolutions { get; init; } = [];

    /// <summary>How fast the machine was around the runs.</summary>
    public required MachineStates States { get; init; }

    /// <summary>Sums up the runs of a configuration.</summary>
    /// <param name="configuration">The configuration.</param>
    /// <param name="runs">Its runs, at least one.</param>
    /// <param name="batchSize">Images of a step over all processes.</param>
    /// <param name="stepsPerUpdate">Steps of an update; only one of them has the exchange and the optimizer.</param>
    /// <param name="flopsPerImage">The arithmetic of an image, forward and backward.</param>
    public static StepResult Summarize(StepConfiguration configuration, IReadOnlyList<StepRun> runs, int batchSize, int stepsPerUpdate, double flopsPerImage)
    {
        double[] seconds = [.. runs.Select(run => OrderStatistics.Median(run.Steps.Chunk(stepsPerUpdate).Select(update => update.Average(s => s.StepTime ?? 0))))];
        double median = OrderStatistics.Median(seconds), peak = runs.Max(run => run.PeakFlopsPerSecond), flops = batchSize * flopsPerImage;
        return new StepResult(
            configuration, median, seconds.Min(), seconds.Max(), seconds, batchSize / median,
            StepPhases.MeanOf([.. runs.SelectMany(run => run.Steps)]),
            flops / median / 1e9, peak / 1e9, flops / median / peak, flops / peak, runs.Max(run => run.MemoryPeakBytes))
        {
            Convolutions = [.. runs[^1].Kernels.Select(ran => ConvolutionPassTime.From(ran, peak / configuration.Processes))],
            States = MachineStates.From(runs, seconds),
        };
    }
}
