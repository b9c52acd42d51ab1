using Convoy.Lanes.Data;
using Convoy.Lanes.Drawing.Roads;

namespace Convoy.Lanes.Tests.Drawing.Roads;

public sealed class RoadGeometryTests
{
    [Fact]
    public void DistanceAt_FlatRoad_IsHeightOverTangent()
    {
        var flat = new RoadGeometry(0, 0, 0, 0, []);

        Assert.Equal(30, flat.DistanceAt(1.5 / 30, 1.5), 9);
        Assert.True(double.IsNaN(flat.DistanceAt(0, 1.5)));
        Assert.True(double.IsNaN(flat.DistanceAt(-0.1, 1.5)));
    }

    [Fact]
    public void DistanceAt_SampledRoads_IsTheFirstPlaceThatTheRayReaches()
    {
        const double Step = 0.05;
        int met = 0;
        for (int index = 0; index < 60; index++)
        {
            RoadScene scene = RoadSceneSampler.Sample(5, index);
            double height = scene.Camera.Height;
            for (int row = 200; row < 720; row += 26)
            {
                double tangent = scene.Camera.TangentOfRow(row);
                double distance = scene.Geometry.DistanceAt(tangent, height);
                double end = double.IsNaN(distance) ? 300 : distance - Step;
                for (double z = Step; z < end; z += Step)
                {
                    Assert.True(height - (tangent * z) > scene.Geometry.HeightAt(z) - 1e-9, $"scene {index}, row {row}: the ray is below the road at {z} m");
                }

                if (!double.IsNaN(distance))
                {
                    met++;
                    Assert.Equal(height - (tangent * distance), scene.Geometry.HeightAt(distance), 6);
                }
            }
        }

        Assert.True(met > 500, $"only {met} rays met the road");
    }

    [Fact]
    public void Sees_BehindACrest_IsFalse()
    {
        // 6 % downhill behind a crest at 40 m: the camera at 1.5 m loses sight of the road soon after.
        var crest = new RoadGeometry(0, 0, 0, 0, [new VerticalCurve(20, 30, -0.06)]);

        Assert.True(crest.Sees(20, 1.5));
        Assert.False(crest.Sees(120, 1.5));
    }

    [Fact]
    public void TangentOfRow_OfEveryRow_IsUndoneByRowOfTangent()
    {
        RoadCamera camera = RoadSceneSampler.Sample(1, 1).Camera.Scaled(new ImageSize(800, 360));
        for (int row = 0; row < 360; row += 7)
        {
            Assert.Equal(row, camera.RowOfTangent(camera.TangentOfRow(row)), 9);
        }
    }

    [Fact]
    public void Project_PointOnTheRayOfARow_IsInThatRow()
    {
        RoadCamera camera = RoadSceneSampler.Sample(1, 2).Camera;
        double tangent = camera.TangentOfRow(500);

        (_, double row, double depth) = camera.Project(2, camera.Height - (tangent * 40), 40);

        Assert.Equal(500, row, 9);
        Assert.Equal(camera.DepthAt(40, tangent), depth, 9);
    }
}
