using Spectre.Console;

namespace Convoy.Cli.Benchmarks.Loading;

/// <summary>The report of <c>convoy bench loader</c> for people.</summary>
internal static class LoaderTable
{
    public static void Print(LoaderReport report, IAnsiConsole console)
    {
        string layout = report.ChannelsLast ? "channels last" : "contiguous";
        console.WriteLine(Text($"Batches of {report.BatchSize} from {report.Frames} frames of {report.OriginalSize} at {report.ImageSize}, {layout}; medians of {report.Repeats} rounds over the strategies."));
        Table table = new Table().Border(TableBorder.Simple).AddColumns("source", "workers", "augmented");
        foreach (string column in (string[])["frames/s", "slowest", "fastest", "frames/s a core", "ms a frame", "CPU ms", "step longer by ms", "waiting", "hidden %", "MB"])
        {
            table.AddColumn(new TableColumn(column).RightAligned());
        }

        foreach (LoaderResult r in report.Results)
        {
            table.AddRow(
                r.Source, r.Workers == 0 ? "none" : Text($"{r.Workers}"), r.Augmented ? "yes" : "no",
                Text($"{r.FramesPerSecond:0}"), Text($"{r.SlowestFramesPerSecond:0}"), Text($"{r.FastestFramesPerSecond:0}"), Text($"{r.FramesPerSecondPerCore:0}"),
                Ms(r.FrameSeconds), Ms(r.FrameCpuSeconds), Ms(r.StepDelaySeconds), Ms(r.WaitSeconds), Text($"{100 * r.HiddenShare:0}"), Text($"{r.MemoryBytes / 1e6:0}"));
        }

        console.Write(table);
        console.WriteLine(Text($"step: {report.StepSeconds * 1e3:0} ms of matrix products a batch on {report.Threads} threads; hidden: what of the delay without workers is gone."));
        console.WriteLine(Text($"cache: {report.CacheBytes / 1e6:0} MB, built in {report.CacheBuildSeconds:0.0} s."));
    }

    private static string Ms(double seconds) => Text($"{seconds * 1e3:0.00}");

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}
