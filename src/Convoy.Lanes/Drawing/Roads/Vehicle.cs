using System.Numerics;

namespace Convoy.Lanes.Drawing.Roads;

/// <summary>A vehicle ahead.</summary>
/// <param name="Kind">Its body.</param>
/// <param name="Lateral">Metres from the ego lane's centre to its middle, positive to the right.</param>
/// <param name="Distance">Metres from the camera to its rear.</param>
/// <param name="Colour">Its paint, 0 to 1.</param>
/// <param name="Braking">Whether its brake lights are on.</param>
internal sealed record Vehicle(VehicleKind Kind, double Lateral, double Distance, Vector3 Colour, bool Braking)
{
    public VehicleShape Shape => VehicleShape.For(Kind);
}

/// <summary>The kinds of vehicles that occlude lanes.</summary>
internal enum VehicleKind
{
    Sedan,

    /// <summary>A tall car with an upright rear.</summary>
    Suv,

    Van,

    /// <summary>A lorry with a box body.</summary>
    Truck,
}

/// <summary>A vehicle's body: its silhouette from the side, going up the rear, over the roof and down the front.</summary>
/// <param name="Width">Metres at its widest.</param>
/// <param name="Length">Metres.</param>
/// <param name="WheelRadius">Metres.</param>
/// <param name="Silhouette">
/// Corners: share of the length from the rear, height in metres, share of the width there (cabins taper upwards).
/// </param>
/// <param name="RearWindow">Index of the corner below the rear window, or -1.</param>
/// <param name="SideWindow">Corners of the side's glass: share of the length, height in metres.</param>
/// <param name="LightHeight">Height of the tail lights in metres.</param>
internal sealed record VehicleShape(
    double Width,
    double Length,
    double WheelRadius,
    (double Along, double Height, double Taper)[] Silhouette,
    int RearWindow,
    (double Along, double Height)[] SideWindow,
    double LightHeight)
{
    private static readonly VehicleShape Sedan = new(
        1.82, 4.7, 0.33,
        [(0, 0.32, 1), (-0.005, 0.62, 1), (0, 0.98, 0.95), (0.10, 1.03, 0.93), (0.27, 1.42, 0.74), (0.58, 1.45, 0.74), (0.75, 1.00, 0.92), (0.99, 0.82, 0.92), (1, 0.35, 0.95)],
        3,
        [(0.20, 1.04), (0.30, 1.36), (0.57, 1.38), (0.71, 1.03)],
        0.86);

    private static readonly VehicleShape Suv = new(
        1.95, 4.8, 0.38,
        [(0, 0.42, 1), (-0.005, 0.70, 1), (0.01, 1.12, 0.97), (0.07, 1.68, 0.80), (0.12, 1.78, 0.78), (0.60, 1.78, 0.78), (0.74, 1.20, 0.94), (0.98, 1.05, 0.94), (1, 0.45, 0.95)],
        2,
        [(0.07, 1.18), (0.12, 1.64), (0.58, 1.66), (0.71, 1.22)],
        1.05);

    private static readonly VehicleShape Van = new(
        2.0, 5.4, 0.36,
        [(0, 0.40, 1), (0, 0.75, 1), (0.005, 1.20, 0.98), (0.02, 1.90, 0.92), (0.05, 2.15, 0.88), (0.78, 2.15, 0.88), (0.90, 1.25, 0.95), (0.99, 1.05, 0.95), (1, 0.42, 0.97)],
        2,
        [(0.64, 1.28), (0.64, 1.88), (0.76, 1.88), (0.86, 1.30)],
        1.15);

    private static readonly VehicleShape Truck = new(
        2.5, 11, 0.5,
        [(0, 0.95, 1), (0, 1.10, 1), (0, 3.70, 1), (0.76, 3.70, 1), (0.77, 2.90, 0.96), (0.97, 2.75, 0.94), (1, 1.60, 0.96), (1, 0.6, 0.96)],
        -1,
        [],
        0.80);

    /// <summary>Height of the body's lower edge at the rear in metres.</summary>
    public double Clearance => Silhouette[0].Height;

    /// <summary>Height of its highest corner in metres.</summary>
    public double Top => Silhouette.Max(corner => corner.Height);

    public static VehicleShape For(VehicleKind kind) => kind switch
    {
        VehicleKind.Sedan => Sedan,
        VehicleKind.Suv => Suv,
        VehicleKind.Van => Van,
        VehicleKind.Truck => Truck,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not a kind of vehicle."),
    };
}
