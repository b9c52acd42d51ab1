using Convoy.Lanes.Drawing.Roads;

namespace Convoy.Lanes.Tests.Drawing.Roads;

public sealed class RoadSceneSamplerTests
{
    private static readonly RoadScene[] Scenes = [.. Enumerable.Range(0, 200).Select(index => RoadSceneSampler.Sample(0, index))];

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Sample_TwoHundredScenes_HaveEveryNumberOfLines(int lines) =>
        Assert.Contains(Scenes, scene => scene.Lines.Count == lines);

    [Fact]
    public void Sample_TwoHundredScenes_HaveEveryMarking()
    {
        foreach (LaneLineStyle style in Enum.GetValues<LaneLineStyle>())
        {
            Assert.Contains(Scenes, scene => scene.Lines.Any(line => line.Style == style));
        }

        Assert.Contains(Scenes, scene => scene.Lines.Any(line => line.Yellow));
        Assert.Contains(Scenes, scene => scene.Lines.All(line => !line.Yellow));
        Assert.Contains(Scenes, scene => scene.Lines.Any(line => line.Wear > 0.5));
    }

    [Fact]
    public void Sample_TwoHundredScenes_HaveEveryLightAndWeather()
    {
        foreach (Daylight daylight in Enum.GetValues<Daylight>())
        {
            foreach (Weather weather in Enum.GetValues<Weather>())
            {
                Assert.Contains(Scenes, scene => scene.Daylight == daylight && scene.Weather == weather);
            }
        }
    }

    [Fact]
    public void Sample_TwoHundredScenes_HaveEveryVehicleAndEmptyAndFullRoads()
    {
        foreach (VehicleKind kind in Enum.GetValues<VehicleKind>())
        {
            Assert.Contains(Scenes, scene => scene.Vehicles.Any(vehicle => vehicle.Kind == kind));
        }

        Assert.Contains(Scenes, scene => scene.Vehicles.Count <= 2);
        Assert.Contains(Scenes, scene => scene.Vehicles.Count >= 15);
    }

    [Fact]
    public void Sample_TwoHundredScenes_HaveShadowsOfBridgesAndTrees()
    {
        Assert.Contains(Scenes, scene => scene.Shadows.Any(shadow => shadow.Dappled));
        Assert.Contains(Scenes, scene => scene.Shadows.Any(shadow => !shadow.Dappled));
    }

    [Fact]
    public void Sample_TwoHundredScenes_HaveCurvesAndHillsBothWays()
    {
        const double Far = 120;
        Assert.Contains(Scenes, scene => Bend(scene) > 5);
        Assert.Contains(Scenes, scene => Bend(scene) < -5);
        Assert.Contains(Scenes, scene => Math.Abs(Bend(scene)) < 0.5);
        Assert.Contains(Scenes, scene => scene.Geometry.HeightAt(Far) > 1.5);
        Assert.Contains(Scenes, scene => scene.Geometry.HeightAt(Far) < -1.5);

        static double Bend(RoadScene scene) =>
            scene.Geometry.CentreAt(Far) - scene.Geometry.Offset - (scene.Geometry.Heading * Far);
    }

    [Fact]
    public void Sample_TwoHundredScenes_SometimesHideTheRoadBehindACrest() =>
        Assert.Contains(Scenes, scene => !scene.Geometry.Sees(scene.LabelDistance, scene.Camera.Height));

    [Fact]
    public void Sample_EveryScene_KeepsTheCameraInItsLane()
    {
        foreach (RoadScene scene in Scenes)
        {
            Assert.Single(scene.Lines.Zip(scene.Lines.Skip(1)), pair =>
                pair.First.Lateral + scene.Geometry.Offset < 0 && pair.Second.Lateral + scene.Geometry.Offset > 0);
            Assert.All(scene.Lines.Zip(scene.Lines.Skip(1)), pair => Assert.InRange(pair.Second.Lateral - pair.First.Lateral, 3.2, 3.9));
        }
    }

    [Fact]
    public void Sample_SameSeedAndIndex_GivesTheSameScene()
    {
        RoadScene scene = RoadSceneSampler.Sample(7, 3);
        RoadScene again = RoadSceneSampler.Sample(7, 3);

        Assert.Equal(scene.Camera, again.Camera);
        Assert.Equal(scene.Lines, again.Lines);
        Assert.Equal(scene.Vehicles, again.Vehicles);
        Assert.NotEqual(scene.Camera, RoadSceneSampler.Sample(7, 4).Camera);
        Assert.NotEqual(scene.Camera, RoadSceneSampler.Sample(8, 3).Camera);
    }
}
