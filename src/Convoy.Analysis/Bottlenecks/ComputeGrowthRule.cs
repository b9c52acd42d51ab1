using Convoy.Analysis.Runs;
using Convoy.Metrics;

namespace Convoy.Analysis.Bottlenecks;

/// <summary>
/// Computation that takes longer than its share: no core to be on, contention for memory and cache, too small a batch, batch norm's exchange.
/// </summary>
internal sealed class ComputeGrowthRule : IBottleneckRule
{
    /// <summary>Processes are not on a core for a part of the time: other programs have it, or they wait.</summary>
    public const string NotScheduled = "not_scheduled";

    /// <summary>Processes on one machine slow each other down: memory bandwidth or cache.</summary>
    public const string MemoryContention = "memory_contention";

    /// <summary>A process's share of the batch is too small to compute efficiently.</summary>
    public const string SmallBatch = "small_batch";

    /// <summary>Batch norm's statistics over all processes.</summary>
    public const string BatchNormSync = "batch_norm_sync";

    public IEnumerable<Conclusion> Examine(ScalingCase scaling)
    {
        if (ComputeGrowth.Find(scaling) is not { } growth)
        {
            yield break;
        }

        Evidence[] evidence =
        [
            new("computation of one process", scaling.Measured.TypicalComputeSeconds!.Value, "s"),
            new("its share of the baseline's computation", scaling.Ideal(scaling.Baseline.TypicalComputeSeconds!.Value), "s"),
            .. scaling.Measured.LocalBatchSize is { } batch ? [new Evidence("batch of one process", batch, scaling.Samples)] : Array.Empty<Evidence>(),
        ];
        CoreTime? cores = CoreTime.Find(scaling);
        if (cores is not null)
        {
            yield return Unscheduled(scaling, growth, cores, evidence);
        }

        yield return Contention(scaling, growth, cores, evidence);
        yield return scaling.Conclude(
            SmallBatch,
            "Too small a batch in each process",
            $"A process with so few {scaling.Samples} computes longer for each of them.",
            "Use a larger global batch, or fewer processes.",
            growth.SmallBatchSeconds,
            Thresholds.InferredShare,
            evidence);
        yield return scaling.Conclude(
            BatchNormSync,
            "Batch norm's synchronisation",
            "The forward pass grows more than the backward pass while batch norm takes its statistics over all processes.",
            $"Compare with {scaling.Setting(SettingNames.SyncBatchNorm)?.OffOption ?? $"statistics over each process's own {scaling.Samples}"}, or use fewer processes with larger batches.",
            growth.BatchNormSeconds,
            Thresholds.InferredShare,
            new Evidence("forward pass", scaling.Measured.Phases!.Forward, "s"),
            new Evidence("its share of the baseline's forward pass", scaling.Ideal(scaling.Baseline.Phases!.Forward), "s"));
    }

    private static Conclusion Unscheduled(ScalingCase scaling, ComputeGrowth growth, CoreTime cores, IReadOnlyList<Evidence> evidence)
    {
        (string title, string seen, string advice) = cores.WasTaken(growth.NotScheduledSeconds) switch
        {
            true => (
                "Other programs had the cores",
                "Each process computes longer, but is on a core for no longer: it was ready to run, and others had its core.",
                "Stop other programs, give each process cores of its own, or use fewer processes."),
            false => (
                "Waiting inside the computation",
                "Each process computes longer, but is on a core for no longer, and others did not have it for long: it waits, for locks, pages of memory or a disk, or the machine is a virtual one whose cores its host gives to others.",
                "Look for what the forward and backward passes wait for, and measure on a machine that is not shared."),
            null => (
                "Not on a core",
                "Each process computes longer, but is on a core for no longer: other programs had the cores, or it waits.",
                "Stop other programs, give each process cores of its own, or use fewer processes."),
        };
        return scaling.Conclude(NotScheduled, title, seen, advice, growth.NotScheduledSeconds, Thresholds.InferredShare, [.. evidence, .. cores.Evidence()]);
    }

    private static Conclusion Contention(ScalingCase scaling, ComputeGrowth growth, CoreTime? cores, IReadOnlyList<Evidence> evidence)
    {
        bool? missesRose = null;
        Evidence[] misses = [];
        if (scaling.Measured.TypicalUsage.CacheMisses is { } now && scaling.Baseline.TypicalUsage.CacheMisses is { } before)
        {
            misses = [new Evidence("cache misses of one process in a step", now, ""), new Evidence("their share of the baseline's", scaling.Ideal(before), "")];
            missesRose = now > scaling.Ideal(before) * (1 + Thresholds.InferredShare);
        }

        string seen = cores is null ? "" : missesRose switch
        {
            true => " Its processor time grows with it, and so do its cache misses: the processes share caches that are too small for all of them.",
            false => " Its processor time grows with it, but its cache misses do not: the memory answers more slowly.",
            null => " Its processor time grows with it: it has its core, and waits there for memory.",
        };
        if (cores is not null && scaling.Measured.Host?.PhysicalCores < ScalingCase.ThreadsOf(scaling.Measured.Configuration))
        {
            seen += " Hyper-threads that share a core look the same, and there are more threads than cores without them.";
        }

        return scaling.Conclude(
            MemoryContention,
            "Contention for memory bandwidth or cache",
            $"Each process takes longer for the same number of {scaling.Samples} the more processes there are.{seen}",
            "Use fewer processes, or arithmetic and memory formats that move fewer bytes (bf16, channels last).",
            growth.ContentionSeconds,
            Thresholds.InferredShare,
            [.. evidence, .. cores?.Evidence() ?? [], .. misses]);
    }
}

/// <summary>
/// By how much a usual rank computes longer than its share of the baseline's computation, and to what that is laid:
/// first to threads beyond the cores; otherwise to batch norm's exchange as far as the forward pass grows more than the
/// backward pass; of the rest, to whatever had the core for the time in which the process was on none; of the rest, to contention as far as it follows
/// from configurations with larger local batches.
/// </summary>
internal sealed record ComputeGrowth(double OversubscribedSeconds, double BatchNormSeconds, double NotScheduledSeconds, double SmallBatchSeconds, double ContentionSeconds)
{
    /// <summary>The growth of the case; null where computation was not recorded or there is nothing to compare with.</summary>
    public static ComputeGrowth? Find(ScalingCase scaling)
    {
        if (scaling.IsBaseline || scaling.Measured is not { TypicalComputeSeconds: { } compute, Phases: { } phases } || scaling.Baseline is not { TypicalComputeSeconds: { } before, Phases: { } first })
        {
            return null;
        }

        double growth = Math.Max(0, compute - scaling.Ideal(before));
        if (scaling.IsOversubscribed(scaling.Measured))
        {
            return new ComputeGrowth(growth, 0, 0, 0, 0);
        }

        double batchNorm = Math.Min(growth, BatchNorm(scaling, first, phases));

        // Batch norm's exchange is a wait of its own, in which no core is needed either.
        double unscheduled = CoreTime.Find(scaling) is { } cores ? Math.Clamp(cores.NotOnACore(growth) - batchNorm, 0, growth - batchNorm) : 0;
        double rest = growth - batchNorm - unscheduled;
        double small = scaling.Measured.LocalBatchSize is < Thresholds.SmallLocalBatch && Contention(scaling) is { } gamma
            ? Math.Clamp(rest - (scaling.Ideal(before) * gamma * (scaling.Examined.Processes - scaling.Series.Baseline.Processes)), 0, rest)
            : 0;
        return new ComputeGrowth(0, batchNorm, unscheduled, small, rest - small);
    }

    // Batch norm exchanges in both passes, but only the forward pass has nothing to hide it behind.
    private static double BatchNorm(ScalingCase scaling, PhaseSeconds before, PhaseSeconds now)
    {
        bool synchronised = scaling.Measured.Setting(SettingNames.SyncBatchNorm) is { } setting && !string.Equals(setting, "false", StringComparison.OrdinalIgnoreCase);
        if (!synchronised || before.Backward <= 0)
        {
            return 0;
        }

        double backwardGrowth = Math.Max(1, now.Backward / scaling.Ideal(before.Backward));
        return Math.Max(0, now.Forward - (scaling.Ideal(before.Forward) * backwardGrowth));
    }

    // The growth for each further process, from configurations whose batches are not small; null when there are none.
    private static double? Contention(ScalingCase scaling)
    {
        double[] growths =
        [
            .. scaling.Series.Points
                .Where(p => p != scaling.Series.Baseline && p.Measurement is { TypicalComputeSeconds: not null, LocalBatchSize: >= Thresholds.SmallLocalBatch } && !scaling.IsOversubscribed(p.Measurement))
                .Select(p => ((p.Measurement.TypicalComputeSeconds!.Value / (scaling with { Examined = p }).Ideal(scaling.Baseline.TypicalComputeSeconds!.Value)) - 1) / (p.Processes - scaling.Series.Baseline.Processes)),
        ];
        return growths.Length == 0 ? null : Math.Max(0, growths[^1]);
    }
}
