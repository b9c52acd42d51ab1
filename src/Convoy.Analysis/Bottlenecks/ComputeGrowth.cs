using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Bottlenecks;

/// <summary>
/// By how much a usual rank computes longer than its share of the baseline's computation, and to what that is laid:
/// first to threads beyond the cores; otherwise to batch norm's exchange as far as the forward pass grows more than the
/// backward pass; of the rest, to contention as far as it follows from configurations with larger local batches.
/// </summary>
internal sealed record ComputeGrowth(double OversubscribedSeconds, double BatchNormSeconds, double SmallBatchSeconds, double ContentionSeconds)
{
    /// <summary>The growth of the case; null where computation was not recorded or there is nothing to compare with.</summary>
    public static ComputeGrowth? Of(ScalingCase of)
    {
        if (of.IsBaseline || of.Measured is not { TypicalComputeSeconds: { } compute, Phases: { } phases } || of.Baseline is not { TypicalComputeSeconds: { } before, Phases: { } first })
        {
            return null;
        }

        double growth = Math.Max(0, compute - of.Ideal(before));
        if (of.IsOversubscribed(of.Measured))
        {
            return new ComputeGrowth(growth, 0, 0, 0);
        }

        double batchNorm = Math.Min(growth, BatchNorm(of, first, phases));
        double rest = growth - batchNorm;
        double small = of.Measured.LocalBatchSize is < Thresholds.SmallLocalBatch && Contention(of) is { } gamma
            ? Math.Clamp(rest - (of.Ideal(before) * gamma * (of.Examined.Processes - of.Series.Baseline.Processes)), 0, rest)
            : 0;
        return new ComputeGrowth(0, batchNorm, small, rest - small);
    }

    // Batch norm exchanges in both passes, but only the forward pass has nothing to hide it behind.
    private static double BatchNorm(ScalingCase of, PhaseSeconds before, PhaseSeconds now)
    {
        bool synchronised = !string.Equals(of.Measured.Setting("sync_bn"), "false", StringComparison.OrdinalIgnoreCase) && of.Measured.Setting("sync_bn") is not null;
        if (!synchronised || before.Backward <= 0)
        {
            return 0;
        }

        double backwardGrowth = Math.Max(1, now.Backward / of.Ideal(before.Backward));
        return Math.Max(0, now.Forward - (of.Ideal(before.Forward) * backwardGrowth));
    }

    // The growth for each further process, from configurations whose batches are not small; null when there are none.
    private static double? Contention(ScalingCase of)
    {
        double[] growths =
        [
            .. of.Series.Points
                .Where(p => p != of.Series.Baseline && p.Measurement is { TypicalComputeSeconds: not null, LocalBatchSize: >= Thresholds.SmallLocalBatch } && !of.IsOversubscribed(p.Measurement))
                .Select(p => ((p.Measurement.TypicalComputeSeconds!.Value / (of with { Examined = p }).Ideal(of.Baseline.TypicalComputeSeconds!.Value)) - 1) / (p.Processes - of.Series.Baseline.Processes)),
        ];
        return growths.Length == 0 ? null : Math.Max(0, growths[^1]);
    }
}
