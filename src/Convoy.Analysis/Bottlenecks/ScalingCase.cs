using Convoy.Analysis.Runs;
using Convoy.Analysis.Scaling;
using Convoy.Metrics;

namespace Convoy.Analysis.Bottlenecks;

/// <summary>The configuration under examination, its baseline, and what is known around them.</summary>
/// <param name="Series">The series.</param>
/// <param name="Examined">The configuration to explain.</param>
/// <param name="Models">The models on the series.</param>
internal sealed record ScalingCase(ScalingSeries Series, ScalingPoint Examined, ModelChoice Models)
{
    public ConfigurationMeasurement Measured => Examined.Measurement;

    public ConfigurationMeasurement Baseline => Series.Baseline.Measurement;

    public bool IsBaseline => ReferenceEquals(Examined, Series.Baseline);

    /// <summary>What a part of the baseline's step would take here, if work were divided ideally: by images of one process.</summary>
    public double Ideal(double baselineSeconds) =>
        baselineSeconds * Baseline.Configuration.Processes / Examined.Processes * Measured.Seconds / Examined.WorkSeconds;

    /// <summary>Cores of the machine; null when not recorded.</summary>
    /// <remarks>
    /// Ranks bound to cores see only their own, so the run with the fewest processes tells what all of them together may use.
    /// </remarks>
    public double? Cores => Series.Points.Select(p => (p.Processes, p.Measurement.Host)).FirstOrDefault(p => p.Host is not null) is { Host: { } host } first
        ? Math.Min(Math.Min(host.LogicalCores, (double)host.UsableCores * first.Processes), host.CpuLimit ?? double.MaxValue)
        : null;

    /// <summary>Threads that compute at the same time; processes where their threads are not recorded.</summary>
    public static int ThreadsOf(Configuration configuration) => configuration.Processes * (configuration.Threads ?? 1);

    /// <summary>Whether there are more threads than cores.</summary>
    public bool IsOversubscribed(ConfigurationMeasurement measurement) => Cores is { } cores && ThreadsOf(measurement.Configuration) > Math.Ceiling(cores);

    /// <summary>A cause of this case.</summary>
    public Bottleneck Found(BottleneckKind kind, double lostSeconds, double threshold, params IReadOnlyList<Evidence> evidence) =>
        new(kind, Measured.Configuration, lostSeconds, lostSeconds / Measured.Seconds, threshold, evidence);
}
