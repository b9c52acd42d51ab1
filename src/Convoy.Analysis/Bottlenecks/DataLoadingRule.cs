namespace Convoy.Analysis.Bottlenecks;

/// <summary>Training waits for the loader. All of it counts as lost, in the baseline too: a loader that keeps up costs nothing.</summary>
internal sealed class DataLoadingRule : IBottleneckRule
{
    public IEnumerable<Bottleneck> Examine(ScalingCase of)
    {
        if (of.Measured.Phases is { } phases)
        {
            yield return of.Found(
                BottleneckKind.DataLoading,
                phases.Data,
                Thresholds.MeasuredShare,
                new Evidence("waiting for data", phases.Data, "s"),
                new Evidence("waiting for data in the baseline", of.Baseline.Phases?.Data ?? 0, "s"));
        }
    }
}
