using Convoy.Analysis.Runs;
using Convoy.Analysis.Scaling;

namespace Convoy.Analysis.Plots;

/// <summary>Names that are as short as they can be: what all configurations share is not repeated in each of them.</summary>
internal sealed class ShortNames(RunSet runs)
{
    private readonly bool _threadsVary = runs.Measurements.Select(m => m.Configuration.Threads).Distinct().Count() > 1;
    private readonly bool _precisionsVary = runs.Measurements.Select(m => m.Configuration.Precision).Distinct().Count() > 1;

    public static string Processes(int count) => Wording.Text($"{count} {(count == 1 ? "process" : "processes")}");

    public string For(Configuration configuration) =>
        Processes(configuration.Processes) + (_threadsVary ? Threads(configuration.Threads) : "") + (_precisionsVary ? $", {configuration.Precision}" : "");

    public string For(ScalingSeries series) => series.Precision + (_threadsVary && series.Threads is not null ? Threads(series.Threads) : "");

    private static string Threads(int? threads) => threads is { } t ? Wording.Text($" × {t} {(t == 1 ? "thread" : "threads")}") : "";
}
