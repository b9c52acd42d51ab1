namespace Convoy.Analysis.Bottlenecks;

/// <summary>More threads than cores: they take turns, which shows as longer computation and as waiting for ranks that have no core.</summary>
internal sealed class OversubscriptionRule : IBottleneckRule
{
    public IEnumerable<Bottleneck> Examine(ScalingCase of)
    {
        if (!of.IsOversubscribed(of.Measured) || of.Cores is not { } cores)
        {
            yield break;
        }

        double lost = ComputeGrowth.Of(of) is { } growth
            ? growth.OversubscribedSeconds + (StragglerRule.Find(of) is null ? of.Measured.Phases!.Wait : 0)
            : Math.Max(0, of.Measured.Seconds - of.Ideal(of.Baseline.Seconds));
        yield return of.Found(
            BottleneckKind.Oversubscription,
            lost,
            0, // always called what it is
            new Evidence("threads of all processes", ScalingCase.ThreadsOf(of.Measured.Configuration), ""),
            new Evidence("cores", cores, ""));
    }
}
