using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Conclusions;

/// <summary>What one precision saves against another, everything else the same.</summary>
/// <param name="Processes">The number of processes.</param>
/// <param name="Threads">Threads of each process; null when not recorded.</param>
/// <param name="Precision">The faster or slower precision.</param>
/// <param name="Against">What it is compared with.</param>
/// <param name="Seconds">The time in <paramref name="Precision"/>.</param>
/// <param name="AgainstSeconds">The time in <paramref name="Against"/>.</param>
public sealed record PrecisionGain(int Processes, int? Threads, string Precision, string Against, double Seconds, double AgainstSeconds)
{
    /// <summary>The share of time saved; negative when it is slower.</summary>
    public double TimeSaved => 1 - (Seconds / AgainstSeconds);

    /// <summary>Compares every precision with fp32, or with the slowest where there is no fp32, at each number of processes and threads.</summary>
    public static IReadOnlyList<PrecisionGain> Compare(RunSet runs)
    {
        ArgumentNullException.ThrowIfNull(runs);
        return
        [
            .. runs.Measurements.GroupBy(m => (m.Configuration.Processes, m.Configuration.Threads))
                .OrderBy(g => g.Key.Processes)
                .ThenBy(g => g.Key.Threads)
                .SelectMany(Compare),
        ];
    }

    private static IEnumerable<PrecisionGain> Compare(IGrouping<(int Processes, int? Threads), ConfigurationMeasurement> same)
    {
        ConfigurationMeasurement against = same.FirstOrDefault(m => m.Configuration.Precision is Configuration.DefaultPrecision) ?? same.MaxBy(m => m.Seconds)!;
        return same.Where(m => m != against)
            .Select(m => new PrecisionGain(same.Key.Processes, same.Key.Threads, m.Configuration.Precision, against.Configuration.Precision, m.Seconds, against.Seconds));
    }
}
