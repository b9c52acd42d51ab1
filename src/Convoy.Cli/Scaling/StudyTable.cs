using System.Globalization;
using Convoy.Analysis.Runs;
using Convoy.Analysis.Scaling;
using Convoy.Training.Studies;
using Spectre.Console;

namespace Convoy.Cli.Scaling;

/// <summary>A study's figures so far, a line for each configuration; 80 columns hold it.</summary>
/// <param name="plan">The study's runs.</param>
/// <param name="settings">Its settings.</param>
/// <param name="sampleNoun">What a sample is called; null where the runs themselves say.</param>
internal sealed class StudyTable(StudyPlan plan, StudySettings settings, string? sampleNoun)
{
    /// <summary>The table.</summary>
    /// <param name="measured">What was measured; null when nothing was.</param>
    /// <param name="done">Whole runs of each configuration.</param>
    /// <param name="running">The configuration that is running; null for none.</param>
    /// <param name="runningSteps">The seconds of its measured steps so far, and the samples of each.</param>
    /// <param name="failed">Configurations that failed.</param>
    public Table Of(
        RunSet? measured, Func<StudyConfiguration, int> done, StudyConfiguration? running, (IReadOnlyList<double> Seconds, int Batch) runningSteps, IReadOnlySet<StudyConfiguration> failed)
    {
        var table = new Table().Border(TableBorder.Simple).NoSafeBorder();
        table.AddColumn("processes\nx threads");
        table.AddColumn("\nprecision");
        foreach (string column in (string[])["\nruns", $"\ns/{measured?.TimeNoun ?? "step"}", $"\n{Noun(measured)}s/s", "\nspeed-up", "\nefficiency"])
        {
            table.AddColumn(new TableColumn(column).RightAligned());
        }

        foreach (TableColumn column in table.Columns)
        {
            column.Padding(0, 2).NoWrap(); // so that 80 columns hold it
        }

        ScalingPoint[] points = measured is null ? [] : [.. ScalingSeries.From(measured).SelectMany(series => series.Points)];
        foreach (StudyConfiguration configuration in plan.Configurations)
        {
            ScalingPoint? point = Array.Find(points, p => Is(p, configuration));
            bool now = configuration == running;
            bool bad = failed.Contains(configuration);
            string[] figures = point is not null ? Figures(measured!, point) : now && runningSteps.Seconds.Count > 0 ? Figures(runningSteps.Seconds, runningSteps.Batch) : ["", "", "", ""];
            string[] cells =
            [
                Text($"{configuration.Processes} x {configuration.Threads}{(configuration.IsOversubscribed(settings.Cores) ? " *" : "")}"),
                Precision(configuration),
                bad ? "failed" : Text($"{done(configuration)}/{settings.Repeats}"),
                .. figures,
            ];
            string style = bad ? "red" : now ? "bold" : point is null ? "grey" : "default";
            table.AddRow([.. cells.Select(cell => new Markup($"[{style}]{cell.EscapeMarkup()}[/]"))]);
        }

        if (plan.Configurations.Any(c => c.IsOversubscribed(settings.Cores)))
        {
            table.Caption(new TableTitle(Text($"* more threads than the {settings.Cores} {(settings.Cores == 1 ? "core" : "cores")}: they take turns")));
        }

        return table;
    }

    /// <summary>The figures of a configuration in one line, for where there is no terminal; empty when it was not measured.</summary>
    public string Line(RunSet measured, StudyConfiguration configuration)
    {
        ScalingPoint? point = ScalingSeries.From(measured).SelectMany(series => series.Points).FirstOrDefault(p => Is(p, configuration));
        if (point is null)
        {
            return string.Empty;
        }

        string[] figures = Figures(measured, point);
        string rate = figures[1].Length > 0 ? $", {figures[1]} {Noun(measured)}s/s" : string.Empty;
        string speedup = figures[2].Length > 0 ? $", speed-up {figures[2]}, efficiency {figures[3]}" : string.Empty;
        return $"{figures[0]} s/{measured.TimeNoun}{rate}{speedup}";
    }

    private static bool Is(ScalingPoint point, StudyConfiguration configuration)
    {
        Configuration measured = point.Measurement.Configuration;
        return measured.Processes == configuration.Processes && measured.Threads == configuration.Threads && measured.Precision == Precision(configuration);
    }

    private static string Precision(StudyConfiguration configuration) => configuration.Precision?.Name() ?? Configuration.OwnPrecision;

    private string Noun(RunSet? measured) => sampleNoun ?? measured?.SampleNoun ?? Run.DefaultSampleNoun;

    // Also while only one number of processes is measured.
    private bool HasSpeedups(RunSet runs) => runs.HasComparableWork && !(settings.Processes.Count > 1 && runs.Runs.Any(run => run.IsWholeProgram && run.Work is null));

    private string[] Figures(RunSet runs, ScalingPoint point)
    {
        ConfigurationMeasurement measured = point.Measurement;
        string spread = measured.Interval is { } interval ? Text($" ±{interval.RelativeHalfWidth(measured.Seconds) * 100:0.0} %") : string.Empty;
        return
        [
            Text($"{Seconds(measured.Seconds)}{spread}"),
            Text($"{measured.SamplesPerSecond:0.00}"),
            .. HasSpeedups(runs) ? (string[])[Text($"{point.Speedup:0.00}"), Text($"{point.Efficiency * 100:0.0} %")] : ["", ""],
        ];
    }

    private static string[] Figures(IReadOnlyList<double> steps, int batch) => [Seconds(steps.Average()), Text($"{batch / steps.Average():0.00}"), "", ""];

    private static string Seconds(double seconds) => seconds.ToString(seconds < 0.1 ? "0.0000" : "0.000", CultureInfo.InvariantCulture);

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}
