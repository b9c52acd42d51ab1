using Convoy.Analysis.Reports;
using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Rendering;

/// <summary>Memory, processor time and speed of the arithmetic of every configuration, as the cells of a table; columns of which nothing is known are left out.</summary>
/// <param name="Headers">The column heads; one that starts with <c>&lt;</c> is a column of text.</param>
/// <param name="Rows">A row a configuration.</param>
/// <param name="Notes">What the columns are, and what is not known: sentences.</param>
internal sealed record Resources(IReadOnlyList<string> Headers, IReadOnlyList<IReadOnlyList<string>> Rows, IReadOnlyList<string> Notes)
{
    private const string Unknown = "\u2013", NotMeasured = "not measured";

    /// <summary>The table of a report; null where no run recorded anything of it.</summary>
    public static Resources? Of(Report report)
    {
        IReadOnlyList<ConfigurationMeasurement> all = report.Runs.Measurements;
        Column[] columns =
        [
            .. Column.If(all.Any(m => m.Usage.PeakMemoryBytes is not null), "memory of a rank", m => m.Usage.PeakMemoryBytes is { } bytes ? Wording.Bytes(bytes) : null),
            .. Column.If(all.Any(m => m.Usage.CpuSeconds is not null), "processor time (s)", m => m.Usage.CpuSeconds is { } cpu ? Wording.SecondsAlone(cpu) : null),
            .. Column.If(all.Any(m => m.Usage.QueueSeconds is not null), "run queue (s)", m => m.Usage.QueueSeconds is { } queued ? Wording.SecondsAlone(queued) : null),
            .. Column.If(all.Any(m => m.Usage.InvoluntarySwitches is not null), "switches", m => m.Usage.InvoluntarySwitches is { } count ? Wording.Text($"{count:0.#}") : null),
            .. Column.If(all.Any(m => m.Usage.CacheMisses is not null), "cache misses", m => m.Usage.CacheMisses is { } count ? Wording.Text($"{count:0}") : null),
            .. Column.If(all.Any(m => m.Attained is not null), "GFLOP/s", m => m.Attained is { } speed ? Wording.Text($"{speed.GigaflopsPerSecond:0.0}") : null),
            .. Column.If(all.Any(m => m.Attained is not null), "peak", m => m.Attained?.PeakGigaflopsPerSecond is { } peak ? Wording.Text($"{peak:0.0}") : NotMeasured),
            .. Column.If(all.Any(m => m.Attained is not null), "of the peak", m => m.Attained?.ShareOfPeak is { } share ? Wording.Percent(share) : NotMeasured),
        ];
        return columns.Length == 0 ? null : new Resources(
            ["<configuration", .. columns.Select(c => c.Header)],
            [.. all.Select(m => (IReadOnlyList<string>)[m.Configuration.ToString(), .. columns.Select(c => c.Cell(m) ?? Unknown)])],
            [.. Explain(report.Runs)]);
    }

    private static IEnumerable<string> Explain(RunSet runs)
    {
        IReadOnlyList<ConfigurationMeasurement> all = runs.Measurements;
        if (all.Any(m => m.Usage.PeakMemoryBytes is not null))
        {
            yield return "Memory is the largest resident set that a rank ever had, of several ranks the largest.";
        }

        if (all.Any(m => m.Usage.CpuSeconds is not null))
        {
            yield return "Processor time, switches and misses are those of one process in one step; in the run queue its training thread was ready while others had the core, and switches are those by which it lost the core.";
        }

        if (runs.Host?.CounterRefusal is { } refusal && all.All(m => m.Usage.CacheMisses is null))
        {
            yield return $"Cache misses are not recorded: {refusal}.";
        }

        if (all.Any(m => m.Attained is not null))
        {
            yield return "GFLOP/s counts the convolutions, linear and recurrent layers as they are defined, over all processes; an algorithm with fewer multiplications (Winograd's) can pass the peak, the GFLOP/s of matrix products in the same precision on as many cores.";
        }
    }

    private sealed record Column(string Header, Func<ConfigurationMeasurement, string?> Cell)
    {
        public static IEnumerable<Column> If(bool known, string header, Func<ConfigurationMeasurement, string?> cell) => known ? [new Column(header, cell)] : [];
    }
}
