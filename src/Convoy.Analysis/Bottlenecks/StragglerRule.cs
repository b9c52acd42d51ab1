using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Bottlenecks;

/// <summary>Waiting for other ranks: for one that is always the slowest, or now for one and now for another.</summary>
internal sealed class StragglerRule : IBottleneckRule
{
    /// <summary>One rank is slower than the others, step after step.</summary>
    public const string Straggler = "straggler";

    /// <summary>Ranks wait for each other, but not always for the same one.</summary>
    public const string UnevenRanks = "uneven_ranks";

    /// <summary>The rank that is the slowest again and again; null when there is none or only one rank was recorded.</summary>
    public static RankTimes? Find(ScalingCase scaling)
    {
        if (scaling.Measured.Ranks.Count < 2 || scaling.Measured.TypicalComputeSeconds is not { } typical)
        {
            return null;
        }

        RankTimes slowest = scaling.Measured.Ranks.MaxBy(r => r.ComputeSeconds)!;
        return slowest.SlowestShare >= Thresholds.StragglerPersistence && slowest.ComputeSeconds > Others(scaling, slowest, typical) * (1 + Thresholds.StragglerExcess)
            ? slowest
            : null;
    }

    public IEnumerable<Conclusion> Examine(ScalingCase scaling)
    {
        if (scaling.Measured.Phases is not { } phases || scaling.Measured.Configuration.Processes == 1)
        {
            yield break;
        }

        if (Find(scaling) is { } slow)
        {
            double others = Others(scaling, slow, slow.ComputeSeconds);
            double excess = slow.ComputeSeconds - others;
            (string why, string advice) = OffCore(scaling, slow.Usage, slow.ComputeSeconds) switch
            {
                { } off when off >= excess / 2 => (" For that time it is not on a core: other programs have it, or it waits.", "Stop what else runs on that rank's cores."),
                { } => (" It has its core all that time: the core is slower, or the rank has more to do.", "Look whether that rank's cores or memory are slower, and whether its share of the data costs more."),
                null => ("", "Look for what else runs on that rank's cores or machine, and whether its share of the data costs more."),
            };
            yield return scaling.Conclude(
                Straggler,
                "One slow rank",
                Wording.Text($"Rank {slow.Rank} computes {(slow.ComputeSeconds / others) - 1:0.0%} longer than the others, and all wait for it.{why}"),
                advice,
                excess,
                Thresholds.MeasuredShare,
                [
                    new Evidence("slow rank", slow.Rank, ""),
                    new Evidence("its computation", slow.ComputeSeconds, "s"),
                    new Evidence("computation of the others", others, "s"),
                    new Evidence("steps in which it was the slowest", slow.SlowestShare, "share"),
                    .. Recorded("its processor time", slow.Usage.CpuSeconds, "s"),
                    .. Recorded("ready to run, without a core", slow.Usage.QueueSeconds, "s"),
                    .. Recorded("its involuntary context switches in a step", slow.Usage.InvoluntarySwitches, ""),
                ]);
        }
        else if (!scaling.IsOversubscribed(scaling.Measured))
        {
            double? off = OffCore(scaling, scaling.Measured.Usage, phases.Compute);
            string why = off is { } seconds && seconds >= phases.Wait / 2
                ? " While they compute they are not always on a core: other programs take it, now from one rank and now from another."
                : "";
            yield return scaling.Conclude(
                UnevenRanks,
                "Waiting for each other",
                $"Ranks reach the exchange at different times, but it is not known to be always the same one that is late.{why}",
                "Give each rank cores of its own, stop other programs, and record every rank's steps.",
                phases.Wait,
                Thresholds.MeasuredShare,
                [
                    new Evidence("waiting for the slowest rank", phases.Wait, "s"),
                    .. Recorded("computing, but not on a core", off, "s"),
                    .. Recorded("ready to run, without a core", scaling.Measured.Usage.QueueSeconds, "s"),
                    .. Recorded("involuntary context switches of a rank in a step", scaling.Measured.Usage.InvoluntarySwitches, ""),
                ]);
        }
    }

    // Computing time without a core: processor time of whatever else the step does counts as computing, so it is rather too little. Threads that wait for
    // a late one of their own may use processor time meanwhile, so that with several nothing can be told.
    private static double? OffCore(ScalingCase scaling, StepUsage usage, double computeSeconds) =>
        scaling.Measured.Configuration.Threads == 1 && usage.CpuSeconds is { } cpu ? Math.Max(0, computeSeconds - cpu) : null;

    private static IEnumerable<Evidence> Recorded(string name, double? value, string unit)
    {
        if (value is { } known)
        {
            yield return new Evidence(name, known, unit);
        }
    }

    private static double Others(ScalingCase scaling, RankTimes slowest, double fallback) =>
        scaling.Measured.Ranks.Where(r => r.Rank != slowest.Rank).Select(r => r.ComputeSeconds).DefaultIfEmpty(fallback).Average();
}
