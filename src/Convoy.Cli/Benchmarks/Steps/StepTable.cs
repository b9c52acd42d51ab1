using Convoy.Analysis.Statistics;
using Convoy.Training.Measurement;
using Spectre.Console;

namespace Convoy.Cli.Benchmarks.Steps;

/// <summary>The report of <c>convoy bench step</c> for people.</summary>
internal static class StepTable
{
    // Of the rows of a profile, those below this share of the step are summed up.
    private const double SmallestShare = 0.002;
    private const int MostOperators = 15;

    public static void Print(StepReport report, IAnsiConsole console)
    {
        console.WriteLine(Text($"Training step of {(report.Program ?? $"{report.Encoder} at {report.ImageSize}")}, {report.BatchSize} {report.SampleNoun}s, {report.StepsPerUpdate} steps an update; warm-up left out, {report.Repeats} runs of each configuration in turn."));
        console.Write(Times(report));
        console.Write(Phases(report));
        console.WriteLine(Text($"Work: {report.GflopPerImage:0.0} GFLOP per {report.SampleNoun} in convolutions, linear and recurrent layers ({report.Work.ForwardFlops / 1e9:0.0} forward, {report.Work.BackwardFlops / 1e9:0.0} backward); peak: matrix products, in fp32 also fused multiply-adds alone, in all processes at the same time."));
        if (report.Results.Any(result => result.Copies is not null))
        {
            PrintCopies(report, console);
        }

        foreach (StepResult result in report.Results)
        {
            if (result.Convolutions.Count > 0)
            {
                console.WriteLine(Text($"Convolutions of {Name(result.Configuration)}: {ConvolutionPassTime.Summarize(result.Convolutions)}."));
            }

            if (result.States.Warning() is { } states)
            {
                console.WriteLine(Text($"{Name(result.Configuration)}: {states}"));
            }
        }

        foreach (StepResult result in report.Results)
        {
            if (result.Profile is { } profile)
            {
                console.WriteLine();
                console.WriteLine(Text($"Where a step goes: {Name(result.Configuration)}, rank 0, ms ({profile.StepSeconds * 1e3:0} ms while recording)"));
                console.Write(Layers(profile));
                if (result.Convolutions.Count > 0)
                {
                    console.WriteLine("What computes the convolutions, as measured when the kernels were chosen");
                    console.Write(ConvolutionTable.Of(result.Convolutions));
                }

                console.Write(Operators(profile));
            }
        }
    }

    /// <summary>A configuration in one line.</summary>
    public static string Name(StepConfiguration c) =>
        Text($"{c.Processes} x {c.Threads} threads, {c.Precision}, {(c.ChannelsLast ? "channels last" : "contiguous")}, fuse {c.Fuse}{(c.SyncBn || c.Processes == 1 ? "" : ", batch norm of each process")}");

    private static Table Times(StepReport report)
    {
        Table table = Start(["processes", "threads", "precision", "layout", "fuse"], ["step ms", "fastest", "slowest", $"{report.SampleNoun}s/s", "GFLOP/s", "peak", "% of peak", "MB"]);
        foreach (StepResult r in report.Results)
        {
            StepConfiguration c = r.Configuration;
            table.AddRow(
                Text($"{c.Processes}"), Text($"{c.Threads}"), c.Precision, c.ChannelsLast ? "channels last" : "contiguous", c.Fuse,
                Ms(r.MedianSeconds), Ms(r.FastestSeconds), Ms(r.SlowestSeconds), Text($"{r.ImagesPerSecond:0.00}"),
                Text($"{r.GflopPerSecond:0}"), Text($"{r.PeakGflopPerSecond:0}"), Text($"{100 * r.ShareOfPeak:0.0}"), Text($"{r.MemoryPeakBytes / 1e6:0}"));
        }

        return table;
    }

    private static Table Phases(StepReport report)
    {
        Table table = Start(["mean of a step, ms"], ["forward", "backward", "exchange", "wait", "optimizer", "rest", "arithmetic at peak"]);
        foreach (StepResult r in report.Results)
        {
            StepPhases p = r.Phases;
            table.AddRow(
                Name(r.Configuration), Ms(p.Forward), Ms(p.Backward), Ms(p.Comm), Ms(p.Wait), Ms(p.Optimizer),
                Ms(p.Step - p.Forward - p.Backward - p.Comm - p.Wait - p.Optimizer), Ms(r.AtPeakSeconds));
        }

        return table;
    }

    private static void PrintCopies(StepReport report, IAnsiConsole console)
    {
        console.WriteLine();
        console.WriteLine(Text($"N processes beside N independent copies of one, and N times one copy alone: {report.SampleNoun}s/s, medians; ratios with 95 % intervals"));
        Table table = Start(["configuration"], ["N x alone", "copies", "processes", "copies : N x alone", "copies in step : copies", "processes : copies"]);
        foreach (StepResult result in report.Results)
        {
            if (result.Copies is { } c)
            {
                table.AddRow(
                    Name(result.Configuration), Median(c, round => round.Alone), Median(c, round => round.Copies), Median(c, round => round.Ranks),
                    Ratio(c.CopiesToAlone), Ratio(c.InStepToCopies), Ratio(c.RanksToCopies));
            }
        }

        console.Write(table);
    }

    private static string Median(StepCopies copies, Func<CopyRound, double> of) => Text($"{OrderStatistics.Median(copies.Rounds.Select(of)):0.00}");

    private static string Ratio(PairedRatio ratio) =>
        Text($"{ratio.Value:0.000}{(ratio.Interval is { } interval ? $" ({interval.Text(value => Text($"{value:0.000}"))})" : "")}");

    private static Table Layers(StepProfile profile)
    {
        Table table = Start(["layer", "operator"], ["forward", "backward", "% of step", "GFLOP", "at peak", "% of peak"]);
        foreach (LayerTime row in profile.Layers.Where(row => Share(row, profile) >= SmallestShare))
        {
            AddRow(table, row, profile);
        }

        LayerTime[] small = [.. profile.Layers.Where(row => Share(row, profile) < SmallestShare)];
        AddRow(table, new LayerTime(Text($"({small.Length} smaller rows)"), string.Empty, small.Sum(r => r.ForwardSeconds), small.Sum(r => r.BackwardSeconds), null, null), profile);
        return table;
    }

    private static void AddRow(Table table, LayerTime row, StepProfile profile) => table.AddRow(
        Markup.Escape(row.Layer), Markup.Escape(row.Operator), Ms(row.ForwardSeconds), Ms(row.BackwardSeconds), Text($"{100 * Share(row, profile):0.0}"),
        row.Gflop is { } gflop ? Text($"{gflop:0.0}") : string.Empty,
        row.AtPeakSeconds is { } peak ? Ms(peak) : string.Empty,
        row.AtPeakSeconds is { } least ? Text($"{100 * least / (row.ForwardSeconds + row.BackwardSeconds):0}") : string.Empty);

    private static Table Operators(StepProfile profile)
    {
        Table table = Start(["operator, without those it calls"], ["ms", "% of step", "calls"]);
        foreach (OperatorTime row in profile.Operators.Take(MostOperators))
        {
            table.AddRow(Markup.Escape(row.Operator), Ms(row.SelfSeconds), Text($"{100 * row.SelfSeconds / profile.StepSeconds:0.0}"), Text($"{row.Calls:0.#}"));
        }

        return table;
    }

    private static double Share(LayerTime row, StepProfile profile) => (row.ForwardSeconds + row.BackwardSeconds) / profile.StepSeconds;

    private static Table Start(string[] left, string[] right)
    {
        Table table = new Table().Border(TableBorder.Simple).AddColumns(left);
        foreach (string column in right)
        {
            table.AddColumn(new TableColumn(column).RightAligned());
        }

        return table;
    }

    private static string Ms(double seconds) => Text($"{seconds * 1e3:0.0}");

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}
