namespace Convoy.Analysis.Bottlenecks;

/// <summary>Computation that takes longer than its share: contention for memory and cache, too small a batch, batch norm's exchange.</summary>
internal sealed class ComputeGrowthRule : IBottleneckRule
{
    public IEnumerable<Bottleneck> Examine(ScalingCase of)
    {
        if (ComputeGrowth.Of(of) is not { } growth)
        {
            yield break;
        }

        double ideal = of.Ideal(of.Baseline.TypicalComputeSeconds!.Value);
        Evidence[] evidence =
        [
            new("computation of one process", of.Measured.TypicalComputeSeconds!.Value, "s"),
            new("its share of the baseline's computation", ideal, "s"),
            .. of.Measured.LocalBatchSize is { } batch ? [new Evidence("batch of one process", batch, "images")] : Array.Empty<Evidence>(),
        ];
        yield return of.Found(BottleneckKind.MemoryContention, growth.ContentionSeconds, Thresholds.InferredShare, evidence);
        yield return of.Found(BottleneckKind.SmallBatch, growth.SmallBatchSeconds, Thresholds.InferredShare, evidence);
        yield return of.Found(
            BottleneckKind.BatchNormSync,
            growth.BatchNormSeconds,
            Thresholds.InferredShare,
            new Evidence("forward pass", of.Measured.Phases!.Forward, "s"),
            new Evidence("its share of the baseline's forward pass", of.Ideal(of.Baseline.Phases!.Forward), "s"));
    }
}
