using System.Numerics;
using System.Runtime.CompilerServices;
using SkiaSharp;

namespace Convoy.Lanes.Drawing.Roads;

/// <summary>Paints the sky down to a row: a gradient, and clouds on a plane far above.</summary>
internal static class SkyPainter
{
    private const int Stride = 4;

    /// <param name="picture">Painted from row 0 on.</param>
    /// <param name="scene">What is painted.</param>
    /// <param name="camera">The scene's camera for the picture's size.</param>
    /// <param name="light">The scene's light.</param>
    /// <param name="noise">The clouds.</param>
    /// <param name="end">The first row that is not sky.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // the first call already runs long
    public static void Paint(Picture picture, RoadScene scene, RoadCamera camera, SceneLight light, NoiseTexture noise, int end)
    {
        float threshold = 0.55f - (1.3f * light.Clouds);
        Vector3 bright = Vector3.Lerp(light.Horizon, Vector3.One, scene.Daylight == Daylight.Day ? 0.5f : 0.08f);
        Vector3 dark = Vector3.Lerp(light.Zenith, light.Horizon, 0.45f) * 0.92f;
        float drift = scene.TextureSeed & 511;
        for (int y = 0; y < end; y++)
        {
            // Rise per metre forward: 0 at the horizon, about 0.25 at the top.
            float rise = Math.Max(0, (float)-camera.TangentOfRow(y));
            float height = 1 - MathF.Exp(-rise * 9);
            Vector3 sky = Vector3.Lerp(light.Horizon, light.Zenith, height);
            float plane = 1 / (rise + 0.045f);
            float fade = Math.Min(1, rise * 14);
            float scale = plane * 55 / (float)camera.FocalX;
            float v = (plane * 55) + drift;
            float left = 0;
            float right = CloudAt(0);
            for (int x = 0; x < picture.Size.Width; x++)
            {
                // Clouds are smooth: every fourth pixel is computed, those between are interpolated.
                if (x % Stride == 0)
                {
                    (left, right) = (right, CloudAt(x + Stride));
                }

                float cloud = left + ((right - left) * (x % Stride) / Stride);
                Vector3 colour = sky;
                if (cloud > 0)
                {
                    float cover = Math.Min(1, cloud * 2.2f) * fade * 0.85f;
                    colour = Vector3.Lerp(sky, Vector3.Lerp(bright, dark, Math.Min(1, cloud * 0.9f)), cover);
                }

                picture.Set(x, y, colour.X, colour.Y, colour.Z);
            }

            float CloudAt(int x) => noise.Smooth(((x - (float)camera.CentreX) * scale) + drift, v) - threshold;
        }
    }
}

/// <summary>Paints the horizon: hills and a line of woods, and the land below them down to the road.</summary>
internal static class BackdropPainter
{
    /// <param name="picture">Painted over the sky.</param>
    /// <param name="scene">What is painted.</param>
    /// <param name="camera">The scene's camera for the picture's size.</param>
    /// <param name="light">The scene's light.</param>
    /// <param name="noise">The silhouettes.</param>
    /// <param name="groundTop">The topmost row that shows ground: the land reaches down to it.</param>
    public static void Paint(Picture picture, RoadScene scene, RoadCamera camera, SceneLight light, NoiseTexture noise, int groundTop)
    {
        double horizon = Math.Min(camera.HorizonRow, groundTop) + 1;
        double pixelsPerDegree = camera.FocalY * Math.PI / 180;
        int seed = scene.TextureSeed & 511;
        if (scene.Mountains > 0)
        {
            Vector3 colour = Vector3.Lerp(new Vector3(0.20f, 0.23f, 0.22f) * light.Ambient, light.Horizon, 0.45f);
            Ridge(x => horizon - (pixelsPerDegree * scene.Mountains * (0.55 + (0.55 * noise.Smooth(x * 150, seed)))), colour);
            Vector3 nearer = Vector3.Lerp(new Vector3(0.17f, 0.20f, 0.15f) * light.Ambient, light.Horizon, 0.25f);
            Ridge(x => horizon - (pixelsPerDegree * scene.Mountains * (0.25 + (0.45 * noise.Smooth(x * 210, seed + 99)))), nearer);
        }

        Vector3 woods = Vector3.Lerp(new Vector3(0.12f, 0.15f, 0.10f) * light.Ambient, light.Haze, 0.22f);
        Ridge(x => horizon - (pixelsPerDegree * (0.75 + (0.5 * noise.Smooth(x * 160, seed + 7)) + (0.3 * noise.Smooth(x * 900, seed + 33)))), woods);

        void Ridge(Func<float, double> top, Vector3 colour)
        {
            using var path = new SKPath();
            path.MoveTo(-1, groundTop + 1);
            const int Samples = 320;
            for (int i = 0; i <= Samples; i++)
            {
                float x = i / (float)Samples;
                path.LineTo(x * (picture.Size.Width + 1), (float)top(x));
            }

            path.LineTo(picture.Size.Width + 1, groundTop + 1);
            path.Close();
            using var paint = new SKPaint { Color = Picture.ToColor(colour), IsAntialias = true };
            picture.Canvas.Save();
            picture.Canvas.ClipRect(new SKRect(0, 0, picture.Size.Width, groundTop));
            picture.Canvas.DrawPath(path, paint);
            picture.Canvas.Restore();
        }
    }
}
