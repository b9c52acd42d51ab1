using Convoy.Lanes.Data;

namespace Convoy.Lanes.Tests.Data;

public class MaskPainterTests
{
    [Fact]
    public void Geometry_ThereAndBack_ReturnsAndKeepsTheOuterEdges()
    {
        var geometry = new ImageGeometry(ImageSize.TuSimple, ImageSize.Network);

        Assert.Equal(437.25, geometry.ToOriginalX(geometry.ToNetworkX(437.25)), 9);
        Assert.Equal(651, geometry.ToOriginalY(geometry.ToNetworkY(651)), 9);
        Assert.Equal(-0.5, geometry.ToNetworkX(-0.5), 9);
        Assert.Equal(799.5, geometry.ToNetworkX(1279.5), 9);
        Assert.Equal(359.5, geometry.ToNetworkY(719.5), 9);
    }

    [Fact]
    public void DefaultLineWidth_TuSimpleAndNetworkSize_ScalesByArea()
    {
        Assert.Equal(5, MaskPainter.DefaultLineWidth(ImageSize.TuSimple));
        Assert.Equal(2.795, MaskPainter.DefaultLineWidth(ImageSize.Network), 3);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2.795)]
    [InlineData(5)]
    public void Paint_StraightLane_SetsExactlyThePixelsWithinHalfTheWidth(double width)
    {
        ImageSize size = ImageSize.Network;
        var geometry = new ImageGeometry(ImageSize.TuSimple, size);
        double[] rows = [.. Enumerable.Range(0, 40).Select(i => 300.0 + (10 * i))];
        double[] lane = [.. rows.Select(y => 900 - (0.7 * (y - 300)))];
        using var painter = new MaskPainter(size, width);
        byte[] mask = new byte[size.Width * size.Height];

        painter.Paint(new TuSimpleLabel("x", [lane], rows), ImageSize.TuSimple, mask);

        (double x0, double y0) = (geometry.ToNetworkX(lane[0]), geometry.ToNetworkY(rows[0]));
        (double x1, double y1) = (geometry.ToNetworkX(lane[^1]), geometry.ToNetworkY(rows[^1]));
        double length = Math.Sqrt(((x1 - x0) * (x1 - x0)) + ((y1 - y0) * (y1 - y0)));
        for (int y = 0; y < size.Height; y++)
        {
            for (int x = 0; x < size.Width; x++)
            {
                double along = Math.Clamp((((x - x0) * (x1 - x0)) + ((y - y0) * (y1 - y0))) / length, 0, length);
                double dx = x - (x0 + (along * (x1 - x0) / length));
                double dy = y - (y0 + (along * (y1 - y0) / length));
                double distance = Math.Sqrt((dx * dx) + (dy * dy));

                // Skia places edges to a sixteenth of a pixel or so; nearer than that to the border either answer is right.
                bool painted = mask[(y * size.Width) + x] == 1;
                if (Math.Abs(distance - (width / 2)) > 0.15 && painted != distance < width / 2)
                {
                    Assert.Fail($"pixel {x},{y} at {distance} from the lane is {(painted ? "painted" : "not painted")}");
                }
            }
        }
    }

    [Fact]
    public void Paint_RealLabels_CentresOfRunsAreTheLabelsToHalfAPixel()
    {
        LaneDataset dataset = LaneDataset.Open(RealData.Require("tusimple"));
        ImageSize size = ImageSize.Network;
        var geometry = new ImageGeometry(ImageSize.TuSimple, size);
        using var painter = new MaskPainter(size, MaskPainter.DefaultLineWidth(size));
        byte[] mask = new byte[size.Width * size.Height];
        int points = 0;
        foreach (LaneFrame frame in dataset.Frames)
        {
            foreach (double[] lane in frame.Label.Lanes)
            {
                painter.Paint(frame.Label with { Lanes = [lane] }, ImageSize.TuSimple, mask);
                for (int row = 1; row < lane.Length - 1; row++)
                {
                    if (lane[row - 1] < 0 || lane[row] < 0 || lane[row + 1] < 0)
                    {
                        continue;
                    }

                    // The row's centre lies between two mask rows: the run in the upper one, moved along the lane.
                    double x = geometry.ToNetworkX(lane[row]);
                    double y = geometry.ToNetworkY(frame.Label.HSamples[row]);
                    int upper = (int)Math.Floor(y);
                    double slope = (geometry.ToNetworkX(lane[row]) - geometry.ToNetworkX(lane[row - 1])) / 5;
                    double expected = x - (slope * (y - upper));
                    int[] run = [.. Enumerable.Range(0, size.Width).Where(column => mask[(upper * size.Width) + column] == 1)];
                    if (expected < 12 || expected > size.Width - 12)
                    {
                        continue;
                    }

                    points++;
                    Assert.InRange(run.Average() - expected, -0.75 - (0.3 * Math.Abs(slope)), 0.75 + (0.3 * Math.Abs(slope)));
                }
            }
        }

        Assert.True(points > 10_000, $"{points} points compared");
    }

    [Fact]
    public void Paint_GapAndSinglePoint_BridgesTheOneAndDotsTheOther()
    {
        var size = new ImageSize(64, 64);
        using var painter = new MaskPainter(size, 3);
        byte[] mask = new byte[64 * 64];
        var label = new TuSimpleLabel("x", [[20, -2, -2, 20], [-2, 50, -2, -2], [-2, -2, -2, -2]], [10, 20, 30, 40]);

        painter.Paint(label, size, mask);

        Assert.All(Enumerable.Range(10, 31), y => Assert.Equal([19, 20, 21], Enumerable.Range(0, 40).Where(x => mask[(y * 64) + x] == 1)));
        Assert.Equal(1, mask[(20 * 64) + 50]);
        Assert.InRange(Enumerable.Range(0, 64 * 64).Count(i => i % 64 > 40 && mask[i] == 1), 5, 9);
        painter.Paint(label with { Lanes = [] }, size, mask);
        Assert.DoesNotContain((byte)1, mask);
    }
}
