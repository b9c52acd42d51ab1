using System.Numerics;
using SkiaSharp;

namespace Convoy.Lanes.Drawing.Roads;

/// <summary>Paints one vehicle seen from behind: its body's faces in perspective, glass, wheels and lights.</summary>
internal sealed class VehiclePainter
{
    private static readonly Vector3 Rubber = new(0.05f, 0.05f, 0.055f);
    private static readonly Vector3 Rim = new(0.45f, 0.46f, 0.47f);

    private readonly SKCanvas _canvas;
    private readonly RoadScene _scene;
    private readonly RoadProjection _projection;
    private readonly SceneLight _light;

    public VehiclePainter(SKCanvas canvas, RoadScene scene, RoadProjection projection, SceneLight light)
    {
        (_canvas, _scene, _projection, _light) = (canvas, scene, projection, light);
    }

    public void Paint(Vehicle vehicle)
    {
        VehicleShape shape = vehicle.Shape;
        double half = shape.Width / 2;
        double across = _projection.AcrossAt(vehicle.Lateral, vehicle.Distance);

        // The side that faces the camera; both are hidden behind the rear when the vehicle is straight ahead.
        int side = across > half ? -1 : across < -half ? 1 : 0;
        RearWheels(vehicle, shape);
        if (side != 0)
        {
            Side(vehicle, shape, side);
        }

        for (int i = shape.Silhouette.Length - 2; i >= 0; i--)
        {
            Face(vehicle, shape, i);
        }

        if (vehicle.Kind == VehicleKind.Truck)
        {
            TruckRear(vehicle, shape);
        }

        Lights(vehicle, shape);
    }

    private void RearWheels(Vehicle vehicle, VehicleShape shape)
    {
        double inner = vehicle.Kind == VehicleKind.Truck ? 0.62 : 0.24;
        double z = vehicle.Distance + 0.4;
        foreach (int side in (ReadOnlySpan<int>)[-1, 1])
        {
            double outside = side * ((shape.Width / 2) - 0.04);
            double inside = side * ((shape.Width / 2) - inner);
            Quad(vehicle, Rubber, (outside, 0, z), (inside, 0, z), (inside, 2 * shape.WheelRadius, z), (outside, 2 * shape.WheelRadius, z));
        }

        // The space under the body is dark.
        double edge = (shape.Width / 2) - 0.15;
        double low = shape.WheelRadius * 0.75;
        Quad(vehicle, Rubber * 0.8f, (-edge, low, z), (edge, low, z), (edge, shape.Clearance + 0.1, z), (-edge, shape.Clearance + 0.1, z));
    }

    private void Side(Vehicle vehicle, VehicleShape shape, int side)
    {
        double half = shape.Width / 2;
        bool lit = _scene.Sunny && side * _scene.SunSide > 0;
        float tone = lit ? 1.0f : 0.62f;
        SKPoint[] outline = [.. shape.Silhouette.Select(corner => At(vehicle, side * half * corner.Taper, corner.Height, vehicle.Distance + (corner.Along * shape.Length)))];
        Fill(outline, vehicle.Colour * tone, vehicle);

        if (shape.SideWindow.Length > 0)
        {
            double belt = shape.SideWindow.Min(corner => corner.Height);
            double top = shape.Top;
            double roof = shape.Silhouette.Min(corner => corner.Taper);
            SKPoint[] glass =
            [
                .. shape.SideWindow.Select(corner =>
                {
                    double taper = 0.94 + ((roof - 0.94) * (corner.Height - belt) / (top - belt));
                    return At(vehicle, side * half * taper, corner.Height, vehicle.Distance + (corner.Along * shape.Length));
                }),
            ];
            Fill(glass, Glass(0.7f), vehicle);
        }

        double[] axles = vehicle.Kind == VehicleKind.Truck ? [0.10, 0.22, 0.88] : [0.19, 0.81];
        foreach (double axle in axles)
        {
            double z = vehicle.Distance + (axle * shape.Length);
            Fill(Circle(vehicle, side * half, shape.WheelRadius, z, shape.WheelRadius * 1.12), Rubber * 0.7f, vehicle);
            Fill(Circle(vehicle, side * (half + 0.01), shape.WheelRadius, z, shape.WheelRadius), Rubber, vehicle);
            Fill(Circle(vehicle, side * (half + 0.01), shape.WheelRadius, z, shape.WheelRadius * 0.6), Rim * (lit ? 1 : 0.6f), vehicle);
        }
    }

    private SKPoint[] Circle(Vehicle vehicle, double lateral, double height, double z, double radius)
    {
        const int Corners = 18;
        var points = new SKPoint[Corners];
        for (int i = 0; i < Corners; i++)
        {
            (double sin, double cos) = Math.SinCos(2 * Math.PI * i / Corners);
            points[i] = At(vehicle, lateral, height + (radius * sin), z + (radius * cos));
        }

        return points;
    }

    /// <summary>The face between two corners of the silhouette, if its outside is visible.</summary>
    private void Face(Vehicle vehicle, VehicleShape shape, int index)
    {
        var lower = shape.Silhouette[index];
        var upper = shape.Silhouette[index + 1];
        double half = shape.Width / 2;
        double lowerZ = vehicle.Distance + (lower.Along * shape.Length);
        double upperZ = vehicle.Distance + (upper.Along * shape.Length);
        SKPoint a = At(vehicle, -half * lower.Taper, lower.Height, lowerZ);
        SKPoint b = At(vehicle, half * lower.Taper, lower.Height, lowerZ);
        SKPoint c = At(vehicle, half * upper.Taper, upper.Height, upperZ);
        SKPoint d = At(vehicle, -half * upper.Taper, upper.Height, upperZ);
        if (((b.X - a.X) * (d.Y - a.Y)) - ((b.Y - a.Y) * (d.X - a.X)) >= 0)
        {
            return;
        }

        // The more a face points upwards, the more sky it reflects.
        double rise = Math.Abs(upper.Height - lower.Height);
        double run = Math.Abs(upperZ - lowerZ);
        float upward = (float)(run / (run + rise + 1e-6));
        float tone = 0.74f + (0.34f * upward) - (index == 0 ? 0.16f : 0);
        Fill([a, b, c, d], Vector3.Lerp(vehicle.Colour * tone, _light.Horizon, 0.12f * upward), vehicle);
        if (index == shape.RearWindow)
        {
            const float Inset = 0.09f;
            SKPoint[] glass = [Mix(a, c, Inset), Mix(b, d, Inset), Mix(c, a, Inset), Mix(d, b, Inset)];
            Fill(glass, Glass(upward), vehicle);
            SKPoint[] gleam = [Mix(glass[0], glass[3], 0.55f), Mix(glass[1], glass[2], 0.8f), glass[2], glass[3]];
            Fill(gleam, Vector3.Lerp(Glass(upward), _light.Horizon, 0.22f), vehicle);
        }
    }

    private void TruckRear(Vehicle vehicle, VehicleShape shape)
    {
        double half = shape.Width / 2;
        double z = vehicle.Distance;
        Vector3 frame = vehicle.Colour * 0.5f;
        Bar(-half, half, 3.58, 3.70, frame);
        Bar(-half, half, 1.0, 1.14, frame * 0.8f);
        Bar(-half, -half + 0.09, 1.0, 3.7, frame);
        Bar(half - 0.09, half, 1.0, 3.7, frame);
        Bar(-0.025, 0.025, 1.1, 3.6, frame);
        Bar(-0.5, -0.46, 1.2, 3.5, frame * 1.2f);
        Bar(0.46, 0.5, 1.2, 3.5, frame * 1.2f);
        Bar(-half + 0.1, half - 0.1, 0.5, 0.6, Rubber * 2);

        void Bar(double from, double to, double bottom, double top, Vector3 colour) =>
            Quad(vehicle, colour, (from, bottom, z), (to, bottom, z), (to, top, z), (from, top, z));
    }

    private void Lights(Vehicle vehicle, VehicleShape shape)
    {
        double half = shape.Width / 2;
        double z = vehicle.Distance - 0.02;
        bool burning = vehicle.Braking || _light.Lamps >= 0.3f;
        Vector3 red = burning ? new Vector3(1.0f, vehicle.Braking ? 0.22f : 0.12f, 0.10f) : new Vector3(0.50f, 0.06f, 0.06f);
        bool tall = vehicle.Kind is VehicleKind.Suv or VehicleKind.Van;
        double wide = tall ? 0.15 : 0.34;
        double high = tall ? 0.42 : 0.15;
        foreach (int side in (ReadOnlySpan<int>)[-1, 1])
        {
            double outer = side * (half - 0.10);
            double inner = outer - (side * wide);
            double top = shape.LightHeight + (high / 2);
            double bottom = shape.LightHeight - (high / 2);
            SKPoint[] lamp = [At(vehicle, outer, bottom, z), At(vehicle, inner, bottom, z), At(vehicle, inner, top, z), At(vehicle, outer, top, z)];
            if (burning)
            {
                FillUnlit(lamp, Vector3.Lerp(red, _light.Haze, SceneLight.HazeAt(vehicle.Distance, _scene.Visibility) * 0.5f));
                Glow(Mix(lamp[0], lamp[2], 0.5f), vehicle, red);
            }
            else
            {
                Fill(lamp, red, vehicle);
            }
        }

        if (vehicle.Kind != VehicleKind.Truck)
        {
            double plate = shape.Clearance + 0.42;
            Quad(vehicle, new Vector3(0.8f, 0.8f, 0.76f), (-0.24, plate - 0.08, z), (0.24, plate - 0.08, z), (0.24, plate + 0.08, z), (-0.24, plate + 0.08, z));
        }
    }

    /// <summary>The bloom of a lit lamp, and its reflection on a wet road.</summary>
    private void Glow(SKPoint at, Vehicle vehicle, Vector3 colour)
    {
        float metre = _projection.PixelsPerMetre(vehicle.Distance);
        float strength = Math.Min(1, _light.Lamps + 0.15f) * (vehicle.Braking ? 0.75f : 0.45f);
        float radius = (0.55f * metre) + (0.03f * _projection.PixelsPerMetre(12));
        LampGlow.Paint(_canvas, at, radius, radius, colour, strength);
        if (_scene.Weather == Weather.Rain)
        {
            SKPoint ground = _projection.At(vehicle.Lateral, 0, vehicle.Distance);
            float drop = ground.Y - at.Y;
            LampGlow.Paint(_canvas, new SKPoint(at.X, ground.Y + (drop * 1.1f)), 0.3f * metre, Math.Max(drop * 1.5f, 4), colour, strength * 0.5f);
        }
    }

    private Vector3 Glass(float upward) => Vector3.Lerp(new Vector3(0.07f, 0.08f, 0.09f), _light.Horizon, 0.10f + (0.12f * upward));

    private SKPoint At(Vehicle vehicle, double lateral, double height, double z) =>
        _projection.At(vehicle.Lateral + lateral, height, z);

    private void Quad(
        Vehicle vehicle,
        Vector3 colour,
        (double Lateral, double Height, double Z) a,
        (double Lateral, double Height, double Z) b,
        (double Lateral, double Height, double Z) c,
        (double Lateral, double Height, double Z) d) =>
        Fill([At(vehicle, a.Lateral, a.Height, a.Z), At(vehicle, b.Lateral, b.Height, b.Z), At(vehicle, c.Lateral, c.Height, c.Z), At(vehicle, d.Lateral, d.Height, d.Z)], colour, vehicle);

    private void Fill(SKPoint[] corners, Vector3 colour, Vehicle vehicle) =>
        FillUnlit(corners, _light.Shade(colour, _projection.AcrossAt(vehicle.Lateral, vehicle.Distance), vehicle.Distance, _scene.Visibility));

    private void FillUnlit(SKPoint[] corners, Vector3 colour)
    {
        using SKPath path = RoadProjection.Polygon(corners);
        using var paint = new SKPaint { IsAntialias = true, Color = Picture.ToColor(colour) };
        _canvas.DrawPath(path, paint);
    }

    private static SKPoint Mix(SKPoint a, SKPoint b, float share) => new(a.X + (share * (b.X - a.X)), a.Y + (share * (b.Y - a.Y)));
}
