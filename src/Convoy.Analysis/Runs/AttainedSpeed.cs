using Convoy.Metrics;

namespace Convoy.Analysis.Runs;

/// <summary>How fast a configuration computed, beside what its machine was measured to do.</summary>
/// <param name="GigaflopsPerSecond">
/// 10^9 floating-point operations a second over all processes: those of <see cref="Run.FlopsPerSample"/>, which counts what the layers are defined as, so that an algorithm
/// with fewer multiplications (Winograd's) can pass the peak.
/// </param>
/// <param name="PeakGigaflopsPerSecond">What matrix products in the configuration's precision reach on as many cores; null when not measured.</param>
public sealed record AttainedSpeed(double GigaflopsPerSecond, double? PeakGigaflopsPerSecond)
{
    /// <summary>The share of the peak; above 1 where fewer operations are done than are counted. Null when the peak was not measured.</summary>
    public double? ShareOfPeak => GigaflopsPerSecond / PeakGigaflopsPerSecond;

    /// <summary>What the machine's matrix products reach in a configuration.</summary>
    /// <param name="host">The machine.</param>
    /// <param name="configuration">The processes, their threads and their precision; processes without a core of their own add nothing.</param>
    /// <returns>10^9 operations a second; null when not measured.</returns>
    internal static double? Peak(HostInfo? host, Configuration configuration)
    {
        int threads = configuration.Threads ?? 1;
        if (host?.MatrixPeaks?.FirstOrDefault(p => p.Threads == threads && p.Precision == configuration.Precision) is not { } peak)
        {
            return null;
        }

        double cores = Math.Min(host.LogicalCores, host.CpuLimit ?? double.MaxValue);
        return peak.GigaflopsPerSecond * Math.Min(configuration.Processes, Math.Max(1, cores / threads));
    }

    /// <summary>The speed of the runs of one configuration; null where they do not record their arithmetic, or are not timed by steps.</summary>
    internal static AttainedSpeed? Of(IReadOnlyList<Run> runs, double? samplesPerSecond) =>
        runs[0].Basis == TimeBasis.Step && runs.Select(r => r.FlopsPerSample).FirstOrDefault(f => f is not null) * samplesPerSecond / 1e9 is { } speed
            ? new AttainedSpeed(speed, Peak(runs.Select(r => r.Host).FirstOrDefault(h => h is not null), runs[0].Configuration))
            : null;
}
