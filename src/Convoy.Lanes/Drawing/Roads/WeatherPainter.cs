using System.Numerics;
using Convoy.Lanes.Data;
using SkiaSharp;

namespace Convoy.Lanes.Drawing.Roads;

/// <summary>Paints what lies between the camera and the scene: the low sun's glare, rain, drops on the glass.</summary>
internal static class WeatherPainter
{
    /// <summary>Paints the low sun itself, into the sky: what stands on the ground may hide it.</summary>
    public static void PaintSun(SKCanvas canvas, RoadScene scene, RoadCamera camera, ImageSize size)
    {
        if (Dazzles(scene))
        {
            float radius = 0.035f * size.Width;
            Disc(canvas, SunAt(scene, camera, size), radius, radius, new Vector3(1, 0.98f, 0.9f), GlareStrength(scene));
        }
    }

    /// <summary>Paints everything that lies over the finished scene.</summary>
    public static void Paint(SKCanvas canvas, RoadScene scene, RoadCamera camera, SceneLight light, ImageSize size)
    {
        if (Dazzles(scene))
        {
            Glare(canvas, scene, camera, size);
        }

        if (scene.Weather == Weather.Rain)
        {
            Rain(canvas, scene, light, size);
        }
    }

    private static bool Dazzles(RoadScene scene) => scene.Daylight == Daylight.Dusk && scene.Weather != Weather.Rain;

    private static float GlareStrength(RoadScene scene) => scene.Weather == Weather.Clear ? 1 : 0.55f;

    private static SKPoint SunAt(RoadScene scene, RoadCamera camera, ImageSize size) => new(
        (float)(camera.CentreX + (scene.SunSide * 0.42 * size.Width)),
        (float)(camera.HorizonRow - (0.09 * size.Height)));

    private static void Glare(SKCanvas canvas, RoadScene scene, RoadCamera camera, ImageSize size)
    {
        SKPoint sun = SunAt(scene, camera, size);
        float strength = GlareStrength(scene);
        Disc(canvas, sun, 0.60f * size.Width, 0.60f * size.Width, new Vector3(1, 0.62f, 0.30f), 0.42f * strength);
        Disc(canvas, sun, 0.16f * size.Width, 0.16f * size.Width, new Vector3(1, 0.86f, 0.62f), 0.60f * strength);

        // The road reflects the low sun towards the camera.
        var mirrored = new SKPoint(sun.X, (float)camera.HorizonRow + (0.16f * size.Height));
        Disc(canvas, mirrored, 0.13f * size.Width, 0.30f * size.Height, new Vector3(1, 0.76f, 0.45f), 0.34f * strength);
    }

    private static void Disc(SKCanvas canvas, SKPoint centre, float radiusX, float radiusY, Vector3 colour, float alpha)
    {
        using SKShader shader = SKShader.CreateRadialGradient(
            SKPoint.Empty,
            1,
            [Picture.ToColor(colour, alpha), Picture.ToColor(colour, alpha * 0.3f), Picture.ToColor(colour, 0)],
            [0, 0.4f, 1],
            SKShaderTileMode.Clamp,
            SKMatrix.CreateScaleTranslation(radiusX, radiusY, centre.X, centre.Y));
        using var paint = new SKPaint { Shader = shader, BlendMode = SKBlendMode.Screen };
        canvas.DrawRect(new SKRect(centre.X - radiusX, centre.Y - radiusY, centre.X + radiusX, centre.Y + radiusY), paint);
    }

    private static void Rain(SKCanvas canvas, RoadScene scene, SceneLight light, ImageSize size)
    {
        var random = new SceneRandom(scene.TextureSeed, 2);
        float unit = size.Height / 720f;
        Vector3 drop = Vector3.Lerp(light.Horizon, Vector3.One, scene.Daylight == Daylight.Night ? 0.25f : 0.35f);
        double slant = random.Normal(0.12);
        using var paint = new SKPaint { IsAntialias = true, StrokeCap = SKStrokeCap.Round };
        for (int i = 0; i < 260; i++)
        {
            float x = (float)random.Between(-0.05, 1.05) * size.Width;
            float y = (float)random.Between(-0.1, 1) * size.Height;
            float length = (float)random.Between(10, 46) * unit;
            paint.StrokeWidth = (float)random.Between(0.6, 1.5) * unit;
            paint.Color = Picture.ToColor(drop, (float)random.Between(0.06, 0.24));
            canvas.DrawLine(x, y, x + (float)(slant * length), y + length, paint);
        }

        int drops = random.Whole(8, 40);
        for (int i = 0; i < drops; i++)
        {
            float x = (float)random.Next() * size.Width;
            float y = (float)random.Next() * size.Height;
            float radius = (float)random.Between(2, 7) * unit;
            paint.Color = Picture.ToColor(light.Zenith * 0.5f, 0.20f);
            canvas.DrawOval(x, y, radius, radius * 1.15f, paint);
            paint.Color = Picture.ToColor(drop, 0.30f);
            canvas.DrawOval(x, y + (radius * 0.35f), radius * 0.7f, radius * 0.6f, paint);
        }
    }
}
