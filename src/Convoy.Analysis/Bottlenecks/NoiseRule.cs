namespace Convoy.Analysis.Bottlenecks;

/// <summary>Times that vary too much to say what was lost.</summary>
internal sealed class NoiseRule : IBottleneckRule
{
    public const string Kind = "noise";

    public IEnumerable<Conclusion> Examine(ScalingCase scaling)
    {
        double? here = scaling.Measured.Interval?.RelativeHalfWidth(scaling.Measured.Seconds);
        double? before = scaling.Baseline.Interval?.RelativeHalfWidth(scaling.Baseline.Seconds);
        if (here is null && before is null)
        {
            yield break;
        }

        double widest = Math.Max(here ?? 0, before ?? 0);
        Conclusion conclusion = scaling.Conclude(
            Kind,
            "Noise too large to tell",
            "The measured times vary widely.",
            "Measure on a machine with nothing else running, with more steps and repeats.",
            widest * scaling.Measured.Seconds,
            Thresholds.NoiseHalfWidth,
            new Evidence("half-width of its time's 95 % interval", here ?? 0, "share"),
            new Evidence("half-width of the baseline's", before ?? 0, "share"),
            new Evidence("spread of single values", scaling.Measured.RelativeSpread ?? 0, "share"));
        yield return conclusion with { Lost = $"Differences below {Wording.Percent(conclusion.Share)} of the time with {conclusion.Configuration} cannot be told from chance." };
    }
}
