namespace Convoy.Analysis.Plots;

/// <summary>Where a report's plots lie.</summary>
public static class PlotFolder
{
    /// <summary>The folder's name in the report's own.</summary>
    public const string Name = "plots";

    /// <summary>The path of a plot from the report's folder, as it stands in documents.</summary>
    /// <param name="chart">The chart.</param>
    /// <param name="ending">The file's ending: <c>svg</c> or <c>png</c>.</param>
    public static string PathOf(Chart chart, string ending)
    {
        ArgumentNullException.ThrowIfNull(chart);
        return $"{Name}/{chart.Name}.{ending}";
    }
}
