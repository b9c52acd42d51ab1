using Convoy.Analysis.Plots;
using Convoy.Analysis.Rendering.Png;
using SkiaSharp;

namespace Convoy.Analysis.Tests.Rendering;

public sealed class ChartPngTests
{
    [Fact]
    public void File_OfAnyChart_IsAPictureWithItsColors()
    {
        Assert.SkipWhen(ChartPng.Refusal is not null, ChartPng.Refusal ?? "");

        Assert.All(ReportCharts.Of(StudyReports.Machine()), chart =>
        {
            using SKBitmap picture = SKBitmap.Decode(ChartPng.File(chart));
            HashSet<SKColor> colors = [.. picture.Pixels];

            Assert.Equal(1440, picture.Width);
            Assert.Contains(SKColors.White, colors);
            Assert.Contains(SKColor.Parse("#0072b2"), colors);
        });
    }

    // Intervals reach further to one side than to the other, and a library may take the two sides in any order.
    [Fact]
    public void File_OfALopsidedInterval_ReachesToThatSide()
    {
        Assert.SkipWhen(ChartPng.Refusal is not null, ChartPng.Refusal ?? "");
        var point = new ChartPoint(1, 10, "1 process", "10 s", new Analysis.Statistics.Interval(1, 11));
        var chart = new LineChart("time", "t", "t", new ChartAxis("x", 0, 2, []), NiceTicks.FromZero("y", 20), [new ChartSeries("s", PlotColor.Blue, SeriesStyle.Measured, [point])]);

        using SKBitmap picture = SKBitmap.Decode(ChartPng.File(chart));
        SKColor blue = SKColor.Parse("#0072b2");
        int[] rows = [.. Enumerable.Range(0, picture.Height).Where(y => Enumerable.Range(0, picture.Width).Any(x => picture.GetPixel(x, y) == blue))];
        int widest = rows.MaxBy(y => Enumerable.Range(0, picture.Width).Count(x => picture.GetPixel(x, y) == blue));

        Assert.True(rows[^1] - widest > 3 * (widest - rows[0]), $"from {rows[0]} to {rows[^1]}, the marker at {widest}");
    }
}
