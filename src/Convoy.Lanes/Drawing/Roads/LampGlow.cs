using System.Numerics;
using SkiaSharp;

namespace Convoy.Lanes.Drawing.Roads;

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
