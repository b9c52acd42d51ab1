using Convoy.Analysis.Rendering;
using Convoy.Analysis.Rendering.Json;
using Convoy.Analysis.Reports;
using Convoy.Lanes;

namespace Convoy.Cli.Reports;

/// <summary>The files of a report in its folder. The folder may be the study's own: only the report's files are written.</summary>
internal static class ReportFiles
{
    private static readonly IReportRenderer[] Renderers = [new JsonReportRenderer(), new MarkdownReportRenderer()];

    /// <summary>Writes every form of <paramref name="report"/>, over those of an earlier report.</summary>
    /// <param name="report">The report.</param>
    /// <param name="folder">Where to; made when it is missing.</param>
    /// <returns>The files written, the one for people first.</returns>
    /// <exception cref="BadInputException">The folder cannot be written to.</exception>
    public static IReadOnlyList<string> Write(Report report, string folder)
    {
        ArgumentNullException.ThrowIfNull(report);
        OutputFolder.RequireWritable(folder);
        Directory.CreateDirectory(folder);
        var written = new List<string>();
        foreach (IReportRenderer renderer in Renderers)
        {
            string path = Path.Combine(folder, renderer.FileName);
            OutputFile.Write(path, stream => renderer.Render(report, stream));
            written.Insert(0, path);
        }

        return written;
    }
}
