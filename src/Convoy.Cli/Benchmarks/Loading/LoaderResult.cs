using Convoy.Analysis.Statistics;

namespace Convoy.Cli.Benchmarks.Loading;

/// <summary>What the rounds of a strategy measured; medians.</summary>
/// <param name="Source">"jpeg" or "cache".</param>
/// <param name="Workers">Loader threads; 0 for none.</param>
/// <param name="Augmented">Whether frames were changed at random.</param>
/// <param name="FramesPerSecond">When nothing but loading goes on.</param>
/// <param name="SlowestFramesPerSecond">The slowest round's.</param>
/// <param name="FastestFramesPerSecond">The fastest round's.</param>
/// <param name="FramesPerSecondPerCore">By the processor time that was used.</param>
/// <param name="FrameSeconds">Time of a frame.</param>
/// <param name="FrameCpuSeconds">Processor time of a frame, all threads.</param>
/// <param name="StepDelaySeconds">By how much loading lengthens the computation of a batch.</param>
/// <param name="WaitSeconds">Of that, the wait for the batch.</param>
/// <param name="HiddenShare">What of the delay without workers is gone: 1 when loading does not lengthen the step, 0 without workers, below 0 when threads cost more than they hide.</param>
/// <param name="MemoryBytes">By how much the process's resident set grew, the pages of the mapped cache included.</param>
internal sealed record LoaderResult(
    string Source,
    int Workers,
    bool Augmented,
    double FramesPerSecond,
    double SlowestFramesPerSecond,
    double FastestFramesPerSecond,
    double FramesPerSecondPerCore,
    double FrameSeconds,
    double FrameCpuSeconds,
    double StepDelaySeconds,
    double WaitSeconds,
    double HiddenShare,
    long MemoryBytes)
{
    /// <summary>Sums up the rounds of a strategy.</summary>
    /// <param name="strategy">The strategy.</param>
    /// <param name="samples">Its rounds, at least one.</param>
    /// <param name="directDelay">By how much the same source and changes without workers lengthen a step, in seconds.</param>
    public static LoaderResult Summarize(LoaderStrategy strategy, IReadOnlyList<LoaderSample> samples, double directDelay)
    {
        double frame = Median(samples, s => s.FrameSeconds), cpu = Median(samples, s => s.FrameCpuSeconds), delay = Delay(samples);
        return new LoaderResult(
            strategy.Source, strategy.Workers, strategy.Augmented,
            1 / frame, 1 / samples.Max(s => s.FrameSeconds), 1 / samples.Min(s => s.FrameSeconds), 1 / cpu, frame, cpu,
            delay, Median(samples, s => s.WaitSeconds), directDelay > 0 ? 1 - (delay / directDelay) : 0, samples.Max(s => s.MemoryBytes));
    }

    /// <summary>The median delay of a step, in seconds.</summary>
    public static double Delay(IReadOnlyList<LoaderSample> samples) => Median(samples, s => s.StepDelaySeconds);

    private static double Median(IEnumerable<LoaderSample> samples, Func<LoaderSample, double> value) => OrderStatistics.Median(samples.Select(value));
}
