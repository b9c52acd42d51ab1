using System.Numerics;
using SkiaSharp;

namespace Convoy.Lanes.Drawing.Roads;

/// <summary>Paints what borders the pavement: concrete barriers, guard rails, noise walls.</summary>
internal static class RoadsidePainter
{
    private const double Nearest = 1.2;
    private const double Farthest = 320;

    /// <param name="canvas">Painted over the ground.</param>
    /// <param name="scene">What is painted.</param>
    /// <param name="projection">Where it appears.</param>
    /// <param name="light">The scene's light.</param>
    /// <param name="side">-1 for the left border, 1 for the right one.</param>
    public static void Paint(SKCanvas canvas, RoadScene scene, RoadProjection projection, SceneLight light, int side)
    {
        double edge = side < 0 ? scene.PavementLeft - 0.3 : scene.PavementRight + 0.3;
        double end = projection.SeenUpTo(Farthest);
        bool sunny = scene.Sunny && side * scene.SunSide < 0.2;
        float face = sunny ? 0.95f : 0.72f;
        switch (side < 0 ? scene.LeftSide : scene.RightSide)
        {
            case Roadside.Barrier:
                var concrete = new Vector3(0.58f, 0.56f, 0.51f);
                Strip(edge, edge, 0.0, 0.85, concrete * face);
                Strip(edge, edge + (side * 0.2), 0.85, 0.85, concrete * 1.12f);
                Strip(edge, edge, 0.0, 0.12, concrete * face * 0.7f);
                Uprights(edge, 0.02, 0.82, 6, 70, 0.03, concrete * face * 0.6f);
                break;
            case Roadside.GuardRail:
                var steel = new Vector3(0.60f, 0.61f, 0.61f);
                Uprights(edge + (side * 0.1), 0, 0.7, 3, 120, 0.14, steel * 0.6f);
                Strip(edge, edge, 0.45, 0.76, steel * face);
                Strip(edge, edge, 0.58, 0.63, steel * face * 0.62f);
                break;
            case Roadside.Wall:
                var wall = Vector3.Lerp(new Vector3(0.52f, 0.47f, 0.40f), new Vector3(0.46f, 0.47f, 0.45f), scene.TextureSeed & 1);
                double set = edge + (side * 1.4);
                Strip(set, set, 0, 3.6, wall * face);
                Strip(set, set, 3.6, 3.8, wall * face * 1.15f);
                Strip(set, set, 0, 0.5, wall * face * 0.82f);
                Uprights(set, 0, 3.7, 5, 110, 0.22, wall * face * 0.8f);
                break;
            default:
                break;
        }

        void Strip(double lower, double upper, double bottom, double top, Vector3 colour)
        {
            var outline = new List<SKPoint>();
            var back = new List<SKPoint>();
            for (double z = Nearest; ; z = Math.Min(z * 1.08, end))
            {
                outline.Add(projection.At(lower, bottom, z));
                back.Add(projection.At(upper, top, z));
                if (z >= end)
                {
                    break;
                }
            }

            back.Reverse();
            outline.AddRange(back);
            using SKPath path = RoadProjection.Polygon([.. outline]);
            using SKShader shader = AlongTheRoad(edge, colour);
            using var paint = new SKPaint { IsAntialias = true, Shader = shader };
            canvas.DrawPath(path, paint);
        }

        void Uprights(double lateral, double bottom, double top, double spacing, double upTo, double width, Vector3 colour)
        {
            using var paint = new SKPaint { IsAntialias = true };
            double first = 2.5 + (scene.TextureSeed % 100 / 100.0 * spacing);
            int count = (int)((Math.Min(upTo, end) - first) / spacing);
            for (int i = count; i >= 0; i--)
            {
                double z = first + (i * spacing);
                paint.Color = Picture.ToColor(light.Shade(colour, projection.AcrossAt(lateral, z), z, scene.Visibility));
                paint.StrokeWidth = Math.Max(0.6f, (float)width * projection.PixelsPerMetre(z));
                canvas.DrawLine(projection.At(lateral, bottom, z), projection.At(lateral, top, z), paint);
            }
        }

        // Colour changes with distance, and distance with the column: a gradient from the near end to the far one.
        SKShader AlongTheRoad(double lateral, Vector3 colour)
        {
            SKPoint near = projection.At(lateral, 0, 3);
            SKPoint far = projection.At(lateral, 0, end);
            double[] stops = [3, 6, 12, 30, 80, end];
            var colours = new SKColor[stops.Length];
            var positions = new float[stops.Length];
            for (int i = 0; i < stops.Length; i++)
            {
                double z = Math.Min(stops[i], end);
                SKPoint at = projection.At(lateral, 0, z);
                colours[i] = Picture.ToColor(light.Shade(colour, projection.AcrossAt(lateral, z), z, scene.Visibility));
                positions[i] = Math.Clamp((at.Y - near.Y) / (far.Y - near.Y), i == 0 ? 0 : positions[i - 1], 1);
            }

            return SKShader.CreateLinearGradient(new SKPoint(0, near.Y), new SKPoint(0, far.Y), colours, positions, SKShaderTileMode.Clamp);
        }
    }
}

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

/// <summary>Paints trees and bushes: crowns of many round tufts, dark below and lit from the sun's side.</summary>
internal static class TreePainter
{
    private const int MostTufts = 100;

    public static void Paint(SKCanvas canvas, RoadScene scene, RoadProjection projection, SceneLight light, Tree tree)
    {
        var random = new SceneRandom(tree.Seed, 1);
        float metre = projection.PixelsPerMetre(tree.Distance);
        SKPoint foot = projection.At(tree.Lateral, 0, tree.Distance);
        double across = projection.AcrossAt(tree.Lateral, tree.Distance);
        float height = (float)tree.Height * metre;
        if (height < 2)
        {
            return;
        }

        var leaf = new Vector3(0.16f + (float)random.Between(0, 0.09), 0.21f + (float)random.Between(0, 0.07), 0.11f);
        float crown = (float)random.Between(0.30, 0.48) * height;
        int lobes = random.Whole(3, 5);
        bool bush = tree.Height < 5;
        float middle = foot.Y - (bush ? height * 0.45f : height * 0.64f);
        using var paint = new SKPaint { IsAntialias = true };
        if (!bush)
        {
            paint.Color = Picture.ToColor(light.Shade(new Vector3(0.17f, 0.14f, 0.11f), across, tree.Distance, scene.Visibility));
            paint.StrokeWidth = Math.Max(1, 0.35f * metre);
            canvas.DrawLine(foot.X, foot.Y, foot.X, middle, paint);
        }

        int tufts = (int)Math.Clamp(height * 0.8, 18, MostTufts);
        for (int tuft = 0; tuft < tufts; tuft++)
        {
            // From the dark inside at the bottom to the lit outside at the top.
            double angle = random.Between(0, 2 * Math.PI);
            double reach = Math.Sqrt(random.Next());
            float dx = (float)(Math.Cos(angle) * reach);
            float dy = (float)(Math.Sin(angle) * reach);
            float sun = Math.Clamp(0.55f - (0.35f * dy) + (0.25f * dx * (float)scene.SunSide), 0.15f, 1.1f);
            float tone = (0.5f + (0.75f * sun * tuft / tufts)) * (float)random.Between(0.8, 1.2);
            paint.Color = Picture.ToColor(light.Shade(leaf * tone, across, tree.Distance, scene.Visibility));
            float radius = crown * (float)random.Between(0.10, 0.24) * (tufts < 60 ? 1.5f : 1);
            float spread = bush ? 0.75f : 0.95f;
            float lobe = 1 + (0.16f * MathF.Sin(((float)angle * lobes) + tree.Seed));
            canvas.DrawOval(foot.X + (dx * crown * lobe), middle + (dy * height * 0.32f * spread * lobe), radius, radius * 0.8f, paint);
        }
    }
}
