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
