using System.Numerics;
using SkiaSharp;

namespace Convoy.Lanes.Drawing.Roads;

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
