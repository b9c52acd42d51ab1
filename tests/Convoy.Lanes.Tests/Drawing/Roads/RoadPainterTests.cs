using Convoy.Lanes.Data;
using Convoy.Lanes.Drawing.Roads;

namespace Convoy.Lanes.Tests.Drawing.Roads;

public sealed class RoadPainterTests
{
    private static readonly ImageSize Size = new(640, 360);

    private readonly RoadPainter _painter = new();

    [Fact]
    public void Paint_SampledScenes_LeavesNoRowBlank()
    {
        for (int index = 0; index < 40; index++)
        {
            RoadScene scene = RoadSceneSampler.Sample(2, index);
            using Picture picture = _painter.Paint(scene, Size);
            for (int y = 0; y < Size.Height; y += 5)
            {
                int row = y;
                Assert.True(
                    Enumerable.Range(0, Size.Width).Any(x => picture.Get(x, row) is not (0, 0, 0)),
                    $"scene {index}: row {y} is black");
            }
        }
    }

    [Fact]
    public void Paint_ByNight_IsDarkerThanByDay()
    {
        RoadScene scene = RoadSceneSampler.Sample(2, 0) with { Weather = Weather.Clear, Shadows = [] };

        double day = Brightness(scene with { Daylight = Daylight.Day });
        double dusk = Brightness(scene with { Daylight = Daylight.Dusk });
        double night = Brightness(scene with { Daylight = Daylight.Night });

        Assert.True(night < 0.6 * dusk && dusk < day, $"day {day}, dusk {dusk}, night {night}");
    }

    [Fact]
    public void Paint_ShadowAcrossTheRoad_DarkensTheRoad()
    {
        RoadScene scene = RoadSceneSampler.Sample(2, 0) with { Daylight = Daylight.Day, Weather = Weather.Clear, Shadows = [], Vehicles = [] };
        var shadow = new RoadShadow(0, 30, double.NegativeInfinity, double.PositiveInfinity, 0.6, 0.3, false);

        Assert.True(Brightness(scene with { Shadows = [shadow] }) < 0.8 * Brightness(scene));
    }

    [Fact]
    public void Paint_VehicleAhead_HidesTheRoadBehindIt()
    {
        RoadScene empty = RoadSceneSampler.Sample(2, 0) with
        {
            Daylight = Daylight.Day,
            Weather = Weather.Cloudy,
            Shadows = [],
            Vehicles = [],
            Geometry = new RoadGeometry(0, 0, 0, 0, []),
        };
        var red = new System.Numerics.Vector3(0.9f, 0.1f, 0.1f);
        RoadScene occluded = empty with { Vehicles = [new Vehicle(VehicleKind.Truck, 0, 12, red, Braking: false)] };
        RoadCamera camera = empty.Camera.Scaled(Size);
        (double x, double y, _) = camera.Project(0.3, 2.5, 12);

        using Picture before = _painter.Paint(empty, Size);
        using Picture after = _painter.Paint(occluded, Size);

        (byte r, byte g, _) = after.Get((int)x, (int)y);
        Assert.True(r > 2 * g, $"red {r}, green {g} where the truck's rear is");
        Assert.NotEqual(before.Get((int)x, (int)y), after.Get((int)x, (int)y));
    }

    private double Brightness(RoadScene scene)
    {
        using Picture picture = _painter.Paint(scene, Size);
        double sum = 0;
        for (int y = 0; y < Size.Height; y += 3)
        {
            for (int x = 0; x < Size.Width; x += 3)
            {
                (byte red, byte green, byte blue) = picture.Get(x, y);
                sum += red + green + blue;
            }
        }

        return sum;
    }
}
