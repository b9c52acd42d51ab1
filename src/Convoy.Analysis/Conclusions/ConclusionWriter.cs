using Convoy.Analysis.Bottlenecks;

namespace Convoy.Analysis.Conclusions;

/// <summary>Puts causes into words.</summary>
public static class ConclusionWriter
{
    private const double Notable = 0.05;
    private const double Major = 0.15;

    /// <summary>One conclusion for each cause, in their order.</summary>
    public static IReadOnlyList<Conclusion> Write(IEnumerable<Bottleneck> bottlenecks) => [.. bottlenecks.Select(Write)];

    private static Conclusion Write(Bottleneck found)
    {
        (string title, string seen, string advice) = Words(found);
        string lost = found.Kind == BottleneckKind.Noise
            ? $"Differences below {Wording.Percent(found.Share)} of the time cannot be told from chance."
            : $"It takes {Wording.Percent(found.Share)} of the time with {found.Configuration} ({Wording.Seconds(found.LostSeconds)}).";
        return new Conclusion(
            found.Kind,
            found.Configuration,
            title,
            $"{seen} {lost}",
            advice,
            found.Share >= Major ? Severity.Major : found.Share >= Notable ? Severity.Notable : Severity.Minor,
            found.LostSeconds,
            found.Share,
            found.Threshold,
            found.Evidence);
    }

    private static (string Title, string Seen, string Advice) Words(Bottleneck found) => found.Kind switch
    {
        BottleneckKind.Oversubscription => (
            "More threads than cores",
            Wording.Text($"{found.Evidence[0].Value:0} threads take turns on {found.Evidence[1].Value:0.##} cores."),
            "Use as many processes x threads as there are cores, or fewer."),
        BottleneckKind.Straggler => (
            "One slow rank",
            Wording.Text($"Rank {found.Evidence[0].Value:0} computes {(found.Evidence[1].Value / found.Evidence[2].Value) - 1:0.0%} longer than the others, and all wait for it."),
            "Look for what else runs on that rank's cores or machine, and whether its share of the data costs more."),
        BottleneckKind.UnevenRanks => (
            "Waiting for each other",
            "Ranks reach the exchange at different times, but it is not known to be always the same one that is late.",
            "Give each rank cores of its own, stop other programs, and record every rank's steps."),
        BottleneckKind.DataLoading => (
            "Waiting for data",
            "The loader has no batch ready when the step begins.",
            "Use more loader workers or a cache of decoded frames (--workers, --cache)."),
        BottleneckKind.CommunicationLatency => (
            "Communication: latency",
            "The time of each message, rather than its size, makes the exchange of gradients long.",
            "Exchange less often (--accumulate, larger buckets) or use fewer processes."),
        BottleneckKind.CommunicationBandwidth => (
            "Communication: bandwidth",
            "The amount of gradients, rather than the number of messages, makes their exchange long.",
            "Exchange fewer bytes (compressed gradients, --accumulate) or use a faster link."),
        BottleneckKind.Communication => (
            "Communication",
            "The exchange of gradients is not hidden behind the backward pass.",
            "Exchange less often or fewer bytes; measure more numbers of processes to tell latency from bandwidth."),
        BottleneckKind.MemoryContention => (
            "Contention for memory bandwidth or cache",
            "Each process takes longer for the same number of images the more processes there are.",
            "Use fewer processes, or arithmetic and memory formats that move fewer bytes (bf16, channels last)."),
        BottleneckKind.SmallBatch => (
            "Too small a batch in each process",
            "A process with so few images computes longer for each of them.",
            "Use a larger global batch, or fewer processes."),
        BottleneckKind.BatchNormSync => (
            "Batch norm's synchronisation",
            "The forward pass grows more than the backward pass while batch norm takes its statistics over all processes.",
            "Compare with --no-sync-bn, or use fewer processes with larger batches."),
        BottleneckKind.SerialPart when IsFromTotals(found) => (
            "A serial part",
            $"By the model, {Wording.Percent(found.Evidence[0].Value)} of the work does not become faster with more processes: serial work, communication or contention, which total times cannot tell apart.",
            "Record the phases of the steps to see which it is."),
        BottleneckKind.SerialPart => (
            "A serial part",
            "A part of the work does not become faster with more processes.",
            "Make that part smaller: optimizer, logging, checkpoints and whatever every process repeats."),
        BottleneckKind.GrowingCost => (
            "A cost that grows with every process",
            "Each further process adds time: communication or contention, which total times cannot tell apart.",
            "Record the phases of the steps to see which, and use fewer processes."),
        BottleneckKind.Noise => (
            "Noise too large to tell",
            "The measured times vary widely.",
            "Measure on a machine with nothing else running, with more steps and repeats."),
        _ => throw new ArgumentOutOfRangeException(nameof(found), found.Kind, "There are no words for this cause."),
    };

    // Phases give seconds as evidence; a model on total times gives the share that it was fitted with.
    private static bool IsFromTotals(Bottleneck found) => found.Evidence[0].Unit == "share";
}
