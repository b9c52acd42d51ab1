using System.Numerics;
using SkiaSharp;

namespace Convoy.Lanes.Drawing.Roads;

/// <summary>Paints street lamps to the right of the road, and computes the light that they cast on it at night.</summary>
internal static class StreetLampPainter
{
    private const double Height = 9;
    private const double Arm = 2.4;
    private const double Farthest = 300;

    /// <summary>Metres along the road over which a lamp's light falls to about a third.</summary>
    private const double Pool = 11;

    private static readonly Vector3 Sodium = new(1.0f, 0.78f, 0.48f);

    /// <summary>The light, 0 to 1, that the lamps add on the road at a distance; none by day.</summary>
    public static Vector3 LightAt(RoadScene scene, double z)
    {
        if (scene.StreetLamps is not double spacing || scene.Daylight != Daylight.Night)
        {
            return Vector3.Zero;
        }

        double first = First(scene, spacing);
        double nearest = first + (Math.Round((z - first) / spacing) * spacing);
        double off = (z - nearest) / Pool;
        return Sodium * (float)(0.05 + (0.42 * Math.Exp(-off * off)));
    }

    public static void Paint(SKCanvas canvas, RoadScene scene, RoadProjection projection, SceneLight light)
    {
        if (scene.StreetLamps is not double spacing)
        {
            return;
        }

        double first = First(scene, spacing);
        double foot = scene.PavementRight + 1.0;
        using var paint = new SKPaint { IsAntialias = true };
        for (int i = (int)((Farthest - first) / spacing); i >= 0; i--)
        {
            double z = first + (i * spacing);
            if (!projection.Geometry.Sees(z, scene.Camera.Height))
            {
                continue;
            }

            float metre = projection.PixelsPerMetre(z);
            paint.Color = Picture.ToColor(light.Shade(new Vector3(0.36f, 0.37f, 0.38f), projection.AcrossAt(foot, z), z, scene.Visibility));
            paint.StrokeWidth = Math.Max(0.8f, 0.16f * metre);
            SKPoint top = projection.At(foot, Height, z);
            SKPoint head = projection.At(foot - Arm, Height + 0.3, z);
            canvas.DrawLine(projection.At(foot, 0, z), top, paint);
            canvas.DrawLine(top, head, paint);
            if (scene.Daylight == Daylight.Night)
            {
                float radius = (1.6f * metre) + (0.04f * projection.PixelsPerMetre(12));
                LampGlow.Paint(canvas, head, radius, radius, Sodium, 0.6f);
                LampGlow.Paint(canvas, head, radius * 0.3f, radius * 0.25f, Sodium, 1);
            }
        }
    }

    private static double First(RoadScene scene, double spacing) => 8 + (scene.TextureSeed % 97 / 97.0 * spacing);
}

/// <summary>Paints the headlights of oncoming traffic beyond the left border.</summary>
internal static class OncomingPainter
{
    private static readonly Vector3 Headlight = new(1.0f, 0.95f, 0.82f);

    public static void Paint(SKCanvas canvas, RoadScene scene, RoadProjection projection, SceneLight light)
    {
        foreach (double z in scene.Oncoming)
        {
            double lane = scene.PavementLeft - (((int)z % 3) * 3.5) - 3.5;
            float metre = projection.PixelsPerMetre(z);
            float radius = (0.75f * metre) + (0.05f * projection.PixelsPerMetre(12));
            foreach (double lamp in (ReadOnlySpan<double>)[-0.7, 0.7])
            {
                SKPoint at = projection.At(lane + lamp, 1.0, z);
                LampGlow.Paint(canvas, at, radius, radius, Headlight, 0.85f * light.Lamps);
                LampGlow.Paint(canvas, at, radius * 0.3f, radius * 0.3f, Headlight, light.Lamps);
            }
        }
    }
}

/// <summary>The bloom of a lamp in the camera: light added around it.</summary>
internal static class LampGlow
{
    /// <param name="canvas">Added to.</param>
    /// <param name="centre">The lamp.</param>
    /// <param name="radiusX">Pixels sideways to where the bloom has faded.</param>
    /// <param name="radiusY">Pixels up and down to where the bloom has faded.</param>
    /// <param name="colour">The lamp's colour, 0 to 1.</param>
    /// <param name="strength">Share of the colour that is added at the centre, 0 to 1.</param>
    public static void Paint(SKCanvas canvas, SKPoint centre, float radiusX, float radiusY, Vector3 colour, float strength)
    {
        using SKShader shader = SKShader.CreateRadialGradient(
            SKPoint.Empty,
            1,
            [Picture.ToColor(colour, strength), Picture.ToColor(colour, strength * 0.25f), Picture.ToColor(colour, 0)],
            [0, 0.35f, 1],
            SKShaderTileMode.Clamp,
            SKMatrix.CreateScaleTranslation(radiusX, radiusY, centre.X, centre.Y));
        using var paint = new SKPaint { Shader = shader, BlendMode = SKBlendMode.Plus };
        canvas.DrawRect(new SKRect(centre.X - radiusX, centre.Y - radiusY, centre.X + radiusX, centre.Y + radiusY), paint);
    }
}
