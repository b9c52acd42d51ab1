using Convoy.Analysis.Plots;
using Convoy.Analysis.Rendering.Charts;
using Convoy.Analysis.Statistics;
using SkiaSharp;

namespace Convoy.Analysis.Tests.Rendering;

public sealed class ChartPngTests
{
    [Fact]
    public void File_OfAnyChart_IsAPictureWithItsColors()
    {
        Assert.SkipWhen(ChartPng.Refusal is not null, ChartPng.Refusal ?? "");

        Assert.All(ReportCharts.Make(StudyReports.Machine()), chart =>
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

        (int top, int bottom) = RowsOfBlue(new Interval(1, 11));
        (int shortTop, int shortBottom) = RowsOfBlue(new Interval(9, 11));

        Assert.Equal(shortTop, top);
        Assert.True(bottom > shortBottom + 100, $"{bottom} and {shortBottom}");
    }

    private static (int Top, int Bottom) RowsOfBlue(Interval interval)
    {
        var point = new ChartPoint(1, 10, "1 process", "10 s", interval);
        var chart = new LineChart("time", "t", "t", new ChartAxis("x", 0, 2, []), NiceTicks.FromZero("y", 20), [new ChartSeries("s", PlotColor.Blue, SeriesStyle.Measured, [point])]);
        using SKBitmap picture = SKBitmap.Decode(ChartPng.File(chart));
        SKColor[] pixels = picture.Pixels;
        int[] rows = [.. pixels.Index().Where(p => p.Item == SKColor.Parse("#0072b2")).Select(p => p.Index / picture.Width)];
        return (rows[0], rows[^1]);
    }
}
