using System.Numerics;
using SkiaSharp;

namespace Convoy.Lanes.Drawing.Roads;

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
