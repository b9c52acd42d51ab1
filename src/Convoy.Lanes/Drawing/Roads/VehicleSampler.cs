using System.Numerics;

namespace Convoy.Lanes.Drawing.Roads;

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
