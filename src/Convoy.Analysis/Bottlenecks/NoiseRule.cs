namespace Convoy.Analysis.Bottlenecks;

/// <summary>Times that vary so much that what was lost cannot be told.</summary>
internal sealed class NoiseRule : IBottleneckRule
{
    public IEnumerable<Bottleneck> Examine(ScalingCase of)
    {
        double? here = of.Measured.Interval?.RelativeHalfWidth(of.Measured.Seconds);
        double? before = of.Baseline.Interval?.RelativeHalfWidth(of.Baseline.Seconds);
        if (here is null && before is null)
        {
            yield break;
        }

        double widest = Math.Max(here ?? 0, before ?? 0);
        yield return of.Found(
            BottleneckKind.Noise,
            widest * of.Measured.Seconds,
            Thresholds.NoiseHalfWidth,
            new Evidence("half-width of its time's 95 % interval", here ?? 0, "share"),
            new Evidence("half-width of the baseline's", before ?? 0, "share"),
            new Evidence("spread of single values", of.Measured.RelativeSpread ?? 0, "share"));
    }
}
