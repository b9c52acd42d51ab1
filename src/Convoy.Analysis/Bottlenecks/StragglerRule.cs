using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Bottlenecks;

/// <summary>Waiting for other ranks: for one that is always the slowest, or now for one and now for another.</summary>
internal sealed class StragglerRule : IBottleneckRule
{
    /// <summary>The rank that is the slowest again and again; null when there is none or only one rank was recorded.</summary>
    public static RankTimes? Find(ScalingCase of)
    {
        if (of.Measured.Ranks.Count < 2 || of.Measured.TypicalComputeSeconds is not { } typical)
        {
            return null;
        }

        RankTimes slowest = of.Measured.Ranks.MaxBy(r => r.ComputeSeconds)!;
        return slowest.SlowestShare >= Thresholds.StragglerPersistence && slowest.ComputeSeconds > Others(of, slowest, typical) * (1 + Thresholds.StragglerExcess)
            ? slowest
            : null;
    }

    public IEnumerable<Bottleneck> Examine(ScalingCase of)
    {
        if (of.Measured.Phases is not { } phases || of.Measured.Configuration.Processes == 1)
        {
            yield break;
        }

        if (Find(of) is { } slow)
        {
            double others = Others(of, slow, slow.ComputeSeconds);
            yield return of.Found(
                BottleneckKind.Straggler,
                slow.ComputeSeconds - others,
                Thresholds.MeasuredShare,
                new Evidence("slow rank", slow.Rank, ""),
                new Evidence("its computation", slow.ComputeSeconds, "s"),
                new Evidence("computation of the others", others, "s"),
                new Evidence("steps in which it was the slowest", slow.SlowestShare, "share"));
        }
        else if (!of.IsOversubscribed(of.Measured))
        {
            yield return of.Found(BottleneckKind.UnevenRanks, phases.Wait, Thresholds.MeasuredShare, new Evidence("waiting for the slowest rank", phases.Wait, "s"));
        }
    }

    private static double Others(ScalingCase of, RankTimes slowest, double fallback) =>
        of.Measured.Ranks.Where(r => r.Rank != slowest.Rank).Select(r => r.ComputeSeconds).DefaultIfEmpty(fallback).Average();
}
