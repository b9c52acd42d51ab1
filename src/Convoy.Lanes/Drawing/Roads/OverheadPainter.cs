using System.Numerics;
using SkiaSharp;

namespace Convoy.Lanes.Drawing.Roads;

/// <summary>Paints what spans the road: bridges and overhead signs.</summary>
internal static class OverheadPainter
{
    private const double Clearance = 5.3;

    /// <summary>Paints the bridge and the sign of a scene, if it has them and the camera sees that far.</summary>
    public static void Paint(SKCanvas canvas, RoadScene scene, RoadProjection projection, SceneLight light)
    {
        if (scene.Bridge is double bridge && projection.Geometry.Sees(bridge, scene.Camera.Height))
        {
            Bridge(canvas, scene, projection, light, bridge);
        }

        if (scene.Gantry is double gantry && projection.Geometry.Sees(gantry, scene.Camera.Height))
        {
            Gantry(canvas, scene, projection, light, gantry);
        }
    }

    private static void Bridge(SKCanvas canvas, RoadScene scene, RoadProjection projection, SceneLight light, double near)
    {
        double far = near + 11;
        var concrete = new Vector3(0.55f, 0.53f, 0.49f) * (scene.Daylight == Daylight.Dusk ? 0.55f : 0.8f);
        double left = scene.PavementLeft - 1.2;
        double right = scene.PavementRight + 1.6;
        const double Wide = 400;

        Quad(-Wide, Wide, far, near, Clearance, Clearance, concrete * 0.22f);
        foreach (double pier in (ReadOnlySpan<double>)[left, right])
        {
            Face(pier - 0.6, pier + 0.6, 0, Clearance, near + 4, concrete * 0.6f);
        }

        Face(-Wide, Wide, Clearance, Clearance + 1.3, near, concrete);
        Face(-Wide, Wide, Clearance, Clearance + 0.25, near, concrete * 0.6f);
        Face(-Wide, Wide, Clearance + 1.3, Clearance + 1.5, near, concrete * 1.15f);
        Face(-Wide, Wide, Clearance + 2.2, Clearance + 2.27, near, concrete * 0.5f);
        for (double post = -100; post <= 100; post += 2.5)
        {
            Face(post, post + 0.08, Clearance + 1.5, Clearance + 2.25, near, concrete * 0.5f);
        }

        void Face(double from, double to, double bottom, double top, double z, Vector3 colour) => Quad(from, to, z, z, bottom, top, colour);

        void Quad(double from, double to, double zBottom, double zTop, double bottom, double top, Vector3 colour) =>
            OverheadPainter.Quad(canvas, scene, projection, light, (from, to), (zBottom, zTop), (bottom, top), colour);
    }

    private static void Gantry(SKCanvas canvas, RoadScene scene, RoadProjection projection, SceneLight light, double z)
    {
        var steel = new Vector3(0.42f, 0.43f, 0.44f);
        var green = scene.Daylight == Daylight.Night ? new Vector3(0.10f, 0.60f, 0.35f) : new Vector3(0.03f, 0.36f, 0.22f);
        var white = new Vector3(0.9f, 0.92f, 0.9f) * (scene.Daylight == Daylight.Night ? 1.6f : 1);
        double left = scene.PavementLeft - 0.8;
        double right = scene.PavementRight + 1.2;
        Panel(left - 0.15, left + 0.15, 0, 7.2, steel);
        Panel(right - 0.15, right + 0.15, 0, 7.2, steel);
        Panel(left, right, 6.9, 7.2, steel);
        Panel(left, right, 6.1, 6.3, steel);
        int signs = 1 + (scene.TextureSeed % 2);
        double room = (right - left) / signs;
        for (int sign = 0; sign < signs; sign++)
        {
            double middle = left + (room * (sign + 0.5));
            double half = Math.Min(2.6, room * 0.4);
            Panel(middle - half, middle + half, 5.5, 8.0, white);
            Panel(middle - half + 0.08, middle + half - 0.08, 5.58, 7.92, green);
            Panel(middle - (half * 0.7), middle + (half * 0.4), 7.15, 7.5, white);
            Panel(middle - (half * 0.7), middle + (half * 0.65), 6.45, 6.8, white);
            Panel(middle - (half * 0.7), middle - (half * 0.1), 5.85, 6.1, white);
        }

        void Panel(double from, double to, double bottom, double top, Vector3 colour) =>
            Quad(canvas, scene, projection, light, (from, to), (z, z), (bottom, top), colour);
    }

    private static void Quad(
        SKCanvas canvas,
        RoadScene scene,
        RoadProjection projection,
        SceneLight light,
        (double From, double To) lateral,
        (double Bottom, double Top) z,
        (double Bottom, double Top) height,
        Vector3 colour)
    {
        using SKPath path = RoadProjection.Polygon(
            projection.At(lateral.From, height.Bottom, z.Bottom),
            projection.At(lateral.To, height.Bottom, z.Bottom),
            projection.At(lateral.To, height.Top, z.Top),
            projection.At(lateral.From, height.Top, z.Top));
        using var paint = new SKPaint { IsAntialias = true, Color = Picture.ToColor(light.Shade(colour, 0, z.Bottom, scene.Visibility)) };
        canvas.DrawPath(path, paint);
    }
}
