using Convoy.Analysis.Reports;

namespace Convoy.Analysis.Rendering;

/// <summary>Writes a report in one form. All renderers show the same report; none computes anything.</summary>
public interface IReportRenderer
{
    /// <summary>The file's name in the report's folder.</summary>
    string FileName { get; }

    /// <summary>Writes <paramref name="report"/>.</summary>
    /// <param name="report">The report.</param>
    /// <param name="destination">Where to; stays open.</param>
    void Render(Report report, Stream destination);
}
