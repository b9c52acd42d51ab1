using Convoy.Analysis.Scaling;

namespace Convoy.Analysis.Bottlenecks;

/// <summary>More threads than cores: they take turns, which shows as longer computation and as waiting for ranks that have no core.</summary>
internal sealed class OversubscriptionRule : IBottleneckRule
{
    public const string Kind = "oversubscription";

    public IEnumerable<Conclusion> Examine(ScalingCase scaling)
    {
        if (!scaling.IsOversubscribed(scaling.Measured) || scaling.Cores is not { } cores)
        {
            yield break;
        }

        bool isWholeProgram = scaling.Measured.Runs[0].IsWholeProgram;
        int threads = ScalingCase.ThreadsOf(scaling.Measured.Configuration);
        double lost = ComputeGrowth.Find(scaling) is { } growth
            ? growth.OversubscribedSeconds + (StragglerRule.Find(scaling) is null ? scaling.Measured.Phases!.Wait : 0)
            : Math.Max(0, scaling.Measured.Seconds - ((isWholeProgram ? AsWithCores(scaling) : null) ?? scaling.Ideal(scaling.Baseline.Seconds)));
        yield return scaling.Conclude(
            Kind,
            "More threads than cores",
            Wording.Text($"{threads} threads take turns on {cores:0.##} cores."),
            "Use as many processes x threads as there are cores, or fewer.",
            lost,
            threshold: isWholeProgram ? Thresholds.MeasuredShare : 0, // always called what it is, unless the program may be one that waits
            [new Evidence("threads of all processes", threads, ""), new Evidence("cores", cores, ""), .. CoreTime.Find(scaling)?.Evidence() ?? []]);
    }

    // Of a whole program nothing says that it computes all the time. Where numbers of processes with a core for each thread were measured, they say what it would take here.
    private static double? AsWithCores(ScalingCase scaling) =>
        new AmdahlModel().Fit([.. scaling.Series.Points.Where(p => !scaling.IsOversubscribed(p.Measurement))])?.Seconds(scaling.Examined.Processes) * scaling.Measured.Seconds / scaling.Examined.WorkSeconds;
}
