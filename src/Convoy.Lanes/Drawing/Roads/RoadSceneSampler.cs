using System.Numerics;

namespace Convoy.Lanes.Drawing.Roads;

/// <summary>Samples a scene at random: which road, which light, which traffic. The same seed and index give the same scene.</summary>
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
        // Motorways bend with radii from about 350 m up; a third of the scenes are practically straight.
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

/// <summary>Samples the lane lines of a carriageway at random: how many, where, and how each is marked.</summary>
internal static class LaneLineSampler
{
    /// <summary>2 to 5 lines from left to right; the ego lane is between -laneWidth/2 and laneWidth/2.</summary>
    public static IReadOnlyList<LaneLine> Sample(SceneRandom random, double laneWidth)
    {
        int count = random.Next() switch { < 0.10 => 2, < 0.34 => 3, < 0.70 => 4, _ => 5 };
        int left = random.Whole(Math.Max(0, count - 4), Math.Min(2, count - 2));
        var inner = random.Next() switch
        {
            < 0.72 => LaneLineStyle.Dashed,
            < 0.86 => LaneLineStyle.Dots,
            _ => LaneLineStyle.Solid,
        };

        // United States: 3.05 m of paint every 12.2 m; elsewhere 3 or 4 m every 9 or 12 m, or 6 m every 18 m.
        (double dash, double period) = random.Pick((3.05, 12.2), (3.05, 12.2), (3.0, 9.0), (4.0, 12.0), (6.0, 18.0));
        if (inner == LaneLineStyle.Dots)
        {
            period = random.Between(9, 14);
        }

        double width = random.Between(0.10, 0.17);
        double wear = random.Chance(0.3) ? random.Between(0.35, 0.7) : random.Between(0, 0.3);
        double phase = random.Between(0, period);
        bool yellowLeft = random.Chance(0.6);
        var lines = new LaneLine[count];
        for (int i = 0; i < count; i++)
        {
            bool leftEdge = i == 0;
            bool edge = leftEdge || i == count - 1;
            LaneLineStyle style = inner;
            if (edge)
            {
                style = leftEdge && random.Chance(0.25) ? LaneLineStyle.Double : LaneLineStyle.Solid;
                if (random.Chance(0.2))
                {
                    // As if the carriageway went on; no further line is drawn, since a line without a label would make the label wrong.
                    style = LaneLineStyle.Dashed;
                }
            }

            lines[i] = new LaneLine(
                (i - left - 0.5) * laneWidth,
                style,
                leftEdge && yellowLeft,
                width,
                Math.Clamp(wear + random.Normal(0.06), 0, 0.75),
                dash,
                period,
                phase);
        }

        return lines;
    }
}

/// <summary>Puts traffic on the lanes of a scene at random.</summary>
internal static class VehicleSampler
{
    private const double FarthestVehicle = 220;

    private static readonly Vector3[] Paints =
    [
        new(0.82f, 0.83f, 0.84f), new(0.88f, 0.88f, 0.87f), new(0.58f, 0.60f, 0.62f), new(0.36f, 0.37f, 0.39f),
        new(0.10f, 0.10f, 0.11f), new(0.13f, 0.14f, 0.16f), new(0.46f, 0.08f, 0.08f), new(0.12f, 0.20f, 0.38f),
        new(0.55f, 0.50f, 0.40f), new(0.16f, 0.27f, 0.22f),
    ];

    /// <summary>The vehicles that the camera sees, the farthest first.</summary>
    public static IReadOnlyList<Vehicle> Sample(SceneRandom random, RoadScene scene)
    {
        var vehicles = new List<Vehicle>();
        double gap = random.Pick(18.0, 45.0, 45.0, 90.0);
        for (int lane = 0; lane + 1 < scene.Lines.Count; lane++)
        {
            double middle = (scene.Lines[lane].Lateral + scene.Lines[lane + 1].Lateral) / 2;
            bool ego = Math.Abs(middle) < 0.5;
            double distance = ego ? random.Between(11, 11 + (1.6 * gap)) : random.Between(4.5, 4.5 + (1.6 * gap));
            while (distance < FarthestVehicle)
            {
                Vehicle vehicle = SampleVehicle(random, middle, distance);
                if (scene.Geometry.Sees(distance, scene.Camera.Height))
                {
                    vehicles.Add(vehicle);
                }

                distance += vehicle.Shape.Length + 6 + (random.Next() * random.Next() * 3 * gap);
            }
        }

        vehicles.Sort((a, b) => b.Distance.CompareTo(a.Distance));
        return vehicles;
    }

    private static Vehicle SampleVehicle(SceneRandom random, double middle, double distance)
    {
        VehicleKind kind = random.Next() switch
        {
            < 0.45 => VehicleKind.Sedan,
            < 0.75 => VehicleKind.Suv,
            < 0.87 => VehicleKind.Van,
            _ => VehicleKind.Truck,
        };
        Vector3 paint = kind is VehicleKind.Truck
            ? random.Pick(new Vector3(0.85f, 0.86f, 0.86f), new Vector3(0.72f, 0.70f, 0.64f), new Vector3(0.30f, 0.36f, 0.48f), new Vector3(0.52f, 0.22f, 0.16f))
            : random.Pick<Vector3>(Paints);
        return new Vehicle(kind, middle + random.Normal(0.2), distance, paint, random.Chance(0.3));
    }
}
