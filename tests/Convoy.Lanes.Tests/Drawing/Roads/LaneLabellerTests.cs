using Convoy.Lanes.Data;
using Convoy.Lanes.Drawing.Roads;

namespace Convoy.Lanes.Tests.Drawing.Roads;

public sealed class LaneLabellerTests
{
    [Theory]
    [InlineData(1280, 720)]
    [InlineData(640, 360)]
    public void Label_SampledScenes_IsWithinOnePixelOfThePaintedLine(int width, int height)
    {
        var size = new ImageSize(width, height);
        var painter = new RoadPainter();
        int points = 0;
        for (int index = 0; index < 40; index++)
        {
            RoadScene scene = Plain(RoadSceneSampler.Sample(11, index));
            TuSimpleLabel label = LaneLabeller.Label(scene, size, "clips/synth/000000/20.jpg");
            using Picture picture = painter.PaintLinesOnly(scene, size);
            for (int lane = 0; lane < label.Lanes.Length; lane++)
            {
                for (int i = 0; i < label.HSamples.Length; i++)
                {
                    double x = label.Lanes[lane][i];
                    int reach = x < 0 ? 0 : Reach(label, lane, i);
                    if (reach < 4 || x - reach < 0 || x + reach > width - 1)
                    {
                        continue;
                    }

                    double painted = PaintedCentre(picture, x, (int)label.HSamples[i], reach);
                    Assert.True(
                        Math.Abs(painted - Math.Round(x)) <= 1,
                        $"scene {index}, lane {lane}, row {label.HSamples[i]}: labelled at {x}, painted at {painted}");
                    points++;
                }
            }
        }

        Assert.True(points > 2000, $"only {points} points were compared");
    }

    [Fact]
    public void Label_CrestAhead_HasNoPointsBehindIt()
    {
        RoadScene scene = Plain(RoadSceneSampler.Sample(11, 0)) with
        {
            Geometry = new RoadGeometry(0, 0, 0, 0, [new VerticalCurve(20, 20, -0.08)]),
            LabelDistance = 150,
        };
        RoadScene flat = scene with { Geometry = new RoadGeometry(0, 0, 0, 0, []) };

        double first = FirstRow(LaneLabeller.Label(scene, ImageSize.TuSimple, "f"));
        double flatFirst = FirstRow(LaneLabeller.Label(flat, ImageSize.TuSimple, "f"));

        // The crest is where the ray only grazes the road: its tangent is the smallest drop per metre of any of the road's points.
        double tangent = Enumerable.Range(1, 14000).Min(i => (scene.Camera.Height - scene.Geometry.HeightAt(i * 0.01)) / (i * 0.01));
        double crestRow = scene.Camera.RowOfTangent(tangent);
        Assert.InRange(first, crestRow, crestRow + 10);
        Assert.True(first > flatFirst);
    }

    [Fact]
    public void Label_BeyondTheLabelDistance_HasNoPoints()
    {
        RoadScene scene = Plain(RoadSceneSampler.Sample(11, 0)) with { Geometry = new RoadGeometry(0, 0, 0, 0, []), LabelDistance = 40 };

        double first = FirstRow(LaneLabeller.Label(scene, ImageSize.TuSimple, "f"));

        double rowAtForty = scene.Camera.RowOfTangent(scene.Camera.Height / 40);
        Assert.InRange(first, rowAtForty, rowAtForty + 10);
    }

    [Fact]
    public void Label_SampledScenes_RunsFromLeftToRightWithTuSimplesRows()
    {
        for (int index = 0; index < 50; index++)
        {
            TuSimpleLabel label = LaneLabeller.Label(RoadSceneSampler.Sample(3, index), ImageSize.TuSimple, "f");

            Assert.Equal(Enumerable.Range(16, 56).Select(ten => ten * 10.0), label.HSamples);
            Assert.InRange(label.Lanes.Length, 2, 5);
            Assert.All(label.Lanes, lane => Assert.All(lane, x => Assert.True(x is -2 or (>= 0 and <= 1279))));
            for (int i = 0; i < label.HSamples.Length; i++)
            {
                double[] row = [.. label.Lanes.Select(lane => lane[i]).Where(x => x >= 0)];
                Assert.Equal(row.Order(), row);
            }
        }
    }

    /// <summary>The scene with every line as one new, unbroken stripe.</summary>
    private static RoadScene Plain(RoadScene scene) => scene with
    {
        Lines = [.. scene.Lines.Select(line => line with { Style = LaneLineStyle.Solid, Wear = 0 })],
        Daylight = Daylight.Day,
    };

    /// <summary>Pixels to each side of a labelled point that belong to its line alone.</summary>
    private static int Reach(TuSimpleLabel label, int lane, int row)
    {
        double x = label.Lanes[lane][row];
        double nearest = label.Lanes.Where((other, index) => index != lane && other[row] >= 0)
            .Select(other => Math.Abs(other[row] - x)).DefaultIfEmpty(200).Min();
        return (int)Math.Min(60, 0.45 * nearest);
    }

    private static double PaintedCentre(Picture picture, double x, int row, int reach)
    {
        double mass = 0;
        double moment = 0;
        for (int column = (int)Math.Round(x) - reach; column <= (int)Math.Round(x) + reach; column++)
        {
            if (column >= 0 && column < picture.Size.Width)
            {
                byte paint = picture.Get(column, row).Green;
                mass += paint;
                moment += paint * (double)column;
            }
        }

        return moment / mass;
    }

    private static double FirstRow(TuSimpleLabel label) =>
        label.HSamples[Enumerable.Range(0, label.HSamples.Length).First(i => label.Lanes.Any(lane => lane[i] >= 0))];
}
