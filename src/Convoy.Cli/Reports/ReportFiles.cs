using Convoy.Analysis.Plots;
using Convoy.Analysis.Rendering;
using Convoy.Analysis.Rendering.Charts;
using Convoy.Analysis.Rendering.Html;
using Convoy.Analysis.Reports;
using Convoy.Training;

namespace Convoy.Cli.Reports;

/// <summary>The files of a report in its folder. The folder may be the study's own: only the report's files are written.</summary>
internal static class ReportFiles
{
    private static readonly IReportRenderer[] Renderers = [new HtmlReportRenderer(), new MarkdownReportRenderer { HasPlots = true }, new JsonReportRenderer(), new CsvReportRenderer()];

    private static readonly string[] PlotEndings = ["svg", "png"];

    /// <summary>Writes every form of <paramref name="report"/> and its plots, over those of an earlier report.</summary>
    /// <param name="report">The report. What keeps a form from being written goes into its warnings.</param>
    /// <param name="folder">Where to; made when it is missing.</param>
    /// <returns>The files written, the page for people first.</returns>
    /// <exception cref="BadInputException">The folder cannot be written to.</exception>
    public static IReadOnlyList<string> Write(Report report, string folder)
    {
        ArgumentNullException.ThrowIfNull(report);
        string plots = Path.Combine(folder, PlotFolder.Name);
        OutputFolder.RequireWritable(folder);
        OutputFolder.RequireWritable(plots);
        Directory.CreateDirectory(plots);
        Report complete = ChartPng.Refusal is { } refusal ? report with { Warnings = [.. report.Warnings, refusal] } : report;
        var written = new List<string>();
        foreach (IReportRenderer renderer in Renderers)
        {
            Write(renderer.FileName, stream => renderer.Render(complete, stream));
        }

        foreach (Chart chart in ReportCharts.Make(report))
        {
            Write(PlotFolder.PathOf(chart.Name, "svg"), stream => stream.Write(ChartSvg.File(chart)));
            if (ChartPng.Refusal is null)
            {
                Write(PlotFolder.PathOf(chart.Name, "png"), stream => stream.Write(ChartPng.File(chart)));
            }
        }

        RemoveEarlierPlots(folder, written);
        return written;

        void Write(string name, Action<Stream> write)
        {
            string path = Path.Combine(folder, name.Replace('/', Path.DirectorySeparatorChar));
            OutputFile.Write(path, write);
            written.Add(path);
        }
    }

    // A plot of an earlier report that this one does not have would be taken for its own.
    private static void RemoveEarlierPlots(string folder, List<string> written)
    {
        IEnumerable<string> possible =
            from name in PlotFolder.ChartNames
            from ending in PlotEndings
            select Path.Combine(folder, PlotFolder.PathOf(name, ending).Replace('/', Path.DirectorySeparatorChar));
        foreach (string earlier in possible.Except(written))
        {
            File.Delete(earlier);
        }
    }
}
