using System.Numerics;

namespace Convoy.Lanes.Drawing.Roads;

/// <summary>Draws a scene at random: which road, which light, which traffic. The same seed and index give the same scene.</summary>
internal static class RoadSceneSampler
{
    /// <param name="seed">The data set's seed.</param>
    /// <param name="index">The frame's index in the data set, from 0.</param>
    public static RoadScene Sample(long seed, long index)
    {
        var random = new SceneRandom(seed, index);
        Daylight daylight = random.Next() switch { < 0.68 => Daylight.Day, < 0.84 => Daylight.Dusk, _ => Daylight.Night };
        Weather weather = random.Next() switch { < 0.52 => Weather.Clear, < 0.80 => Weather.Cloudy, _ => Weather.Rain };

        double laneWidth = random.Between(3.2, 3.9);
        IReadOnlyList<LaneLine> lines = LaneLineSampler.Sample(random, laneWidth);
        RoadCamera camera = SampleCamera(random);
        RoadGeometry geometry = SampleGeometry(random, laneWidth);
        Pavement pavement = SamplePavement(random);
        double sunSide = random.Between(-1, 1);
        double? bridge = random.Chance(0.22) ? random.Between(35, 180) : null;
        var scene = new RoadScene
        {
            Camera = camera,
            Geometry = geometry,
            Lines = lines,
            LabelDistance = random.Between(80, 150),
            Daylight = daylight,
            Weather = weather,
            Visibility = weather switch
            {
                Weather.Rain => random.Between(120, 320),
                Weather.Cloudy => random.Between(400, 1500),
                _ => random.Between(700, 2500),
            },
            SunSide = sunSide,
            Pavement = pavement,
            LeftSide = random.Pick(Roadside.Barrier, Roadside.Barrier, Roadside.Barrier, Roadside.GuardRail, Roadside.Open, Roadside.Wall),
            RightSide = random.Pick(Roadside.Open, Roadside.GuardRail, Roadside.GuardRail, Roadside.Barrier, Roadside.Wall),
            Shadows = [],
            Bridge = bridge,
            Gantry = bridge is null && random.Chance(0.25) ? random.Between(40, 150) : null,
            Trees = [],
            Vehicles = [],
            Oncoming = [],
            StreetLamps = random.Chance(daylight == Daylight.Night ? 0.5 : 0.2) ? random.Between(34, 60) : null,
            Mountains = random.Chance(0.6) ? random.Between(1.5, 6.0) : 0,
            TextureSeed = random.Whole(0, 1 << 20),
        };
        scene = scene with { Trees = SampleTrees(random, scene), Oncoming = SampleOncoming(random, scene) };
        scene = scene with { Vehicles = VehicleSampler.Sample(random, scene) };
        return scene with { Shadows = SampleShadows(random, scene) };
    }

    private static RoadCamera SampleCamera(SceneRandom random)
    {
        double focal = random.Between(900, 1150);
        double horizon = random.Between(215, 285);
        double centreRow = 360 + random.Normal(6);
        return new RoadCamera(
            random.Between(1.35, 1.85),
            Math.Atan((centreRow - horizon) / focal),
            focal,
            focal,
            640 + random.Normal(10),
            centreRow);
    }

    private static RoadGeometry SampleGeometry(SceneRandom random, double laneWidth)
    {
        // Motorways bend with radii from about 350 m up; a third of the scenes is as good as straight.
        double bend = random.Chance(0.3) ? random.Normal(0.00008) : random.Pick(-1.0, 1.0) * random.Between(0.0003, 0.0028);
        double rate = random.Chance(0.5) ? random.Normal(0.000008) : 0;
        if (random.Chance(0.25))
        {
            // Straight here, bending further on.
            (bend, rate) = (bend * 0.1, bend / random.Between(60, 140));
        }

        var hills = new List<VerticalCurve>();
        double first = random.Between(15, 70);
        double firstLength = random.Between(60, 160);
        switch (random.Next())
        {
            case < 0.25:
                hills.Add(new VerticalCurve(first, firstLength, -random.Between(0.015, 0.06)));
                break;
            case < 0.45:
                hills.Add(new VerticalCurve(first, firstLength, random.Between(0.01, 0.05)));
                break;
            case < 0.60:
                // Up and then over the top: the far end of the road disappears behind the crest.
                double up = random.Between(0.02, 0.05);
                hills.Add(new VerticalCurve(first, firstLength, up));
                hills.Add(new VerticalCurve(first + firstLength + random.Between(0, 30), random.Between(50, 120), -up - random.Between(0.01, 0.05)));
                break;
        }

        return new RoadGeometry(random.Normal(laneWidth * 0.09), random.Normal(0.018), bend, rate, hills);
    }

    private static Pavement SamplePavement(SceneRandom random)
    {
        bool concrete = random.Chance(0.45);
        float grey = (float)(concrete ? random.Between(0.46, 0.62) : random.Between(0.26, 0.44));
        var tint = new Vector3(1 + (float)random.Normal(0.02), 1, 1 + (float)random.Normal(0.03));
        Vector3 grass = Vector3.Lerp(new Vector3(0.56f, 0.49f, 0.30f), new Vector3(0.27f, 0.36f, 0.16f), (float)random.Next());
        return new Pavement(
            grey * tint,
            random.Between(0.03, 0.08),
            random.Between(0.04, 0.20),
            concrete,
            random.Between(0.6, 3.2),
            random.Between(1.2, 3.4),
            grass);
    }

    private static List<Tree> SampleTrees(SceneRandom random, RoadScene scene)
    {
        var trees = new List<Tree>();
        double density = random.Pick(0.2, 0.6, 1.0);
        foreach (int side in (ReadOnlySpan<int>)[-1, 1])
        {
            Roadside border = side < 0 ? scene.LeftSide : scene.RightSide;
            double edge = side < 0 ? scene.PavementLeft : scene.PavementRight;
            double nearest = border == Roadside.Wall ? 5 : 3;
            for (double z = random.Between(14, 40); z < 420; z *= random.Between(1.04, 1.3) + (0.12 / density))
            {
                double height = random.Between(3, 13);
                double lateral = edge + (side * random.Between(nearest, nearest + 6 + (z * 0.18)));
                if (scene.Geometry.Sees(z, scene.Camera.Height))
                {
                    trees.Add(new Tree(lateral, z, height, random.Whole(0, 1 << 20)));
                }
            }
        }

        trees.Sort((a, b) => b.Distance.CompareTo(a.Distance));
        return trees;
    }

    private static List<double> SampleOncoming(SceneRandom random, RoadScene scene)
    {
        var distances = new List<double>();
        if (scene.Daylight == Daylight.Day || scene.LeftSide is not (Roadside.Barrier or Roadside.GuardRail))
        {
            return distances;
        }

        double gap = random.Between(15, 70);
        for (double z = random.Between(25, 60); z < 350; z += 10 + (random.Next() * gap))
        {
            if (scene.Geometry.Sees(z, scene.Camera.Height))
            {
                distances.Add(z);
            }
        }

        distances.Reverse();
        return distances;
    }

    private static List<RoadShadow> SampleShadows(SceneRandom random, RoadScene scene)
    {
        var shadows = new List<RoadShadow>();
        if (!scene.Sunny)
        {
            return shadows;
        }

        double strength = scene.Daylight == Daylight.Day ? random.Between(0.45, 0.72) : random.Between(0.3, 0.5);
        if (scene.Bridge is double bridge)
        {
            double shift = random.Between(-14, 4);
            shadows.Add(new RoadShadow(bridge + shift, bridge + shift + random.Between(9, 16), double.NegativeInfinity, double.PositiveInfinity, strength, 0.25, false));
        }

        if (random.Chance(0.12))
        {
            // The shadow of a bridge that is above or behind the camera: the road right ahead is dark.
            shadows.Add(new RoadShadow(-20, random.Between(7, 16), double.NegativeInfinity, double.PositiveInfinity, strength + 0.12, 0.3, false));
        }

        if (random.Chance(0.35))
        {
            double near = random.Between(4, 25);
            double reach = random.Between(2.5, 9);
            bool left = scene.SunSide < 0;
            shadows.Add(new RoadShadow(
                near,
                near + random.Between(20, 90),
                left ? double.NegativeInfinity : scene.PavementRight - reach,
                left ? scene.PavementLeft + reach : double.PositiveInfinity,
                strength,
                1.2,
                true));
        }

        return shadows;
    }
}
