using Convoy.Analysis.Runs;
using Convoy.Analysis.Scaling;
using Convoy.Metrics;

namespace Convoy.Analysis.Bottlenecks;

/// <summary>The configuration under examination, its baseline, and what is known around them: all that a rule needs.</summary>
/// <param name="Series">The series.</param>
/// <param name="Examined">The configuration to explain.</param>
/// <param name="Models">The models on the series.</param>
internal sealed record ScalingCase(ScalingSeries Series, ScalingPoint Examined, ModelChoice Models)
{
    public ConfigurationMeasurement Measured => Examined.Measurement;

    public ConfigurationMeasurement Baseline => Series.Baseline.Measurement;

    public bool IsBaseline => ReferenceEquals(Examined, Series.Baseline);

    /// <summary>What samples are called, in the plural.</summary>
    public string Samples => $"{Measured.SampleNoun}s";

    /// <summary>Cores of the machine; null when not recorded.</summary>
    /// <remarks>
    /// Ranks bound to cores see only their own, so the run with the fewest processes tells what all of them together may use.
    /// </remarks>
    public double? Cores => Series.Points.Select(p => (p.Processes, p.Measurement.Host)).FirstOrDefault(p => p.Host is not null) is { Host: { } host } first
        ? Math.Min(Math.Min(host.LogicalCores, (double)host.UsableCores * first.Processes), host.CpuLimit ?? double.MaxValue)
        : null;

    /// <summary>Threads that compute at the same time; processes where their threads are not recorded.</summary>
    public static int ThreadsOf(Configuration configuration) => configuration.Processes * (configuration.Threads ?? 1);

    /// <summary>What a part of the baseline's step would take here, if work were divided ideally: by samples of one process.</summary>
    public double Ideal(double baselineSeconds) =>
        baselineSeconds * Baseline.Configuration.Processes / Examined.Processes * Measured.Seconds / Examined.WorkSeconds;

    /// <summary>The other way round: what a part of one process's step would be in the baseline, whose processes have more samples.</summary>
    public double Unshared(double seconds) => seconds / Ideal(1);

    /// <summary>Whether there are more threads than cores.</summary>
    public bool IsOversubscribed(ConfigurationMeasurement measurement) => Cores is { } cores && ThreadsOf(measurement.Configuration) > Math.Ceiling(cores);

    /// <summary>What the runs recorded of a setting, for advice that names its option; null when nothing.</summary>
    /// <param name="name">The setting, one of <see cref="SettingNames"/>.</param>
    public SettingRecord? Setting(string name) => Measured.Runs.Select(run => run.Launch?.Setting(name)).FirstOrDefault(setting => setting is not null);

    /// <summary>The options of those settings that the runs recorded, in brackets behind a space; empty when there are none.</summary>
    /// <param name="names">The settings.</param>
    public string InBrackets(params IReadOnlyList<string> names)
    {
        string[] options = [.. names.Select(name => Setting(name)?.Option).OfType<string>()];
        return options.Length > 0 ? $" ({string.Join(", ", options)})" : "";
    }

    /// <summary>A conclusion about this case.</summary>
    /// <param name="kind">The rule's name for it.</param>
    /// <param name="title">The cause in a few words.</param>
    /// <param name="seen">What was seen: a sentence. One with the share and the time that were lost follows it.</param>
    /// <param name="advice">What to do about it: a sentence.</param>
    /// <param name="lostSeconds">Seconds lost.</param>
    /// <param name="threshold">The share of the time from which it is named.</param>
    /// <param name="evidence">The numbers it stands on.</param>
    public Conclusion Conclude(string kind, string title, string seen, string advice, double lostSeconds, double threshold, params IReadOnlyList<Evidence> evidence)
    {
        double share = lostSeconds / Measured.Seconds;
        string lost = $"It takes {Wording.Percent(share)} of the time with {Measured.Configuration} ({Wording.Seconds(lostSeconds)}).";
        return new Conclusion(kind, Measured.Configuration, title, seen, lost, advice, lostSeconds, share, threshold, evidence);
    }
}
