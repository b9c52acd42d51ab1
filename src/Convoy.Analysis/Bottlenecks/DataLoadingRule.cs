using Convoy.Metrics;

namespace Convoy.Analysis.Bottlenecks;

/// <summary>Training waits for the loader. All of it counts as lost, in the baseline too: a loader that keeps up costs nothing.</summary>
internal sealed class DataLoadingRule : IBottleneckRule
{
    public const string Kind = "data_loading";

    public IEnumerable<Conclusion> Examine(ScalingCase scaling)
    {
        if (scaling.Measured.Phases is not { } phases)
        {
            yield break;
        }

        string workers = scaling.Setting(SettingNames.Workers)?.Label ?? "loader workers", cache = scaling.Setting(SettingNames.Cache)?.Label ?? "a cache of decoded samples";
        yield return scaling.Conclude(
            Kind,
            "Waiting for data",
            "The loader has no batch ready when the step begins.",
            $"Use more {workers} or {cache}{scaling.InBrackets(SettingNames.Workers, SettingNames.Cache)}.",
            phases.Data,
            Thresholds.MeasuredShare,
            new Evidence("waiting for data", phases.Data, "s"),
            new Evidence("waiting for data in the baseline", scaling.Baseline.Phases?.Data ?? 0, "s"));
    }
}
