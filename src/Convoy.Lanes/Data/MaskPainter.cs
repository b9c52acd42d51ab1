using System.Numerics;
using SkiaSharp;

namespace Convoy.Lanes.Data;

/// <summary>
/// Draws the mask that a network learns: 1 where there is a lane, 0 elsewhere, at the network's size, from the label's points and never by
/// resizing another mask.
/// </summary>
/// <remarks>
/// The points of a lane are joined in row order by straight lines with round ends, without anti-aliasing: a pixel is lane when its centre
/// lies within half the line width of the line. Rows inside a lane without a point (-2) are bridged, as in the benchmark's segmentation
/// labels; a lane of one point is a dot. Coordinates are those of <see cref="ImageGeometry"/>.
/// </remarks>
public sealed class MaskPainter : IDisposable
{
    private readonly SKPaint _paint;

    /// <param name="size">The network's size.</param>
    /// <param name="lineWidth">The width of the lines in pixels at the network's size; above 0.</param>
    public MaskPainter(ImageSize size, double lineWidth)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(lineWidth);
        Size = size;
        LineWidth = lineWidth;
        _paint = new SKPaint
        {
            Style = SKPaintStyle.Stroke,
            StrokeWidth = (float)lineWidth,
            StrokeCap = SKStrokeCap.Round,
            StrokeJoin = SKStrokeJoin.Round,
            IsAntialias = false,
            BlendMode = SKBlendMode.Src,
            Color = new SKColor(0, 0, 0, 1),
        };
    }

    /// <summary>The network's size.</summary>
    public ImageSize Size { get; }

    /// <summary>The width of the lines in pixels at the network's size.</summary>
    public double LineWidth { get; }

    /// <summary>
    /// The width at another size that corresponds to 5 pixels at 1280x720: 5 times the square root of the ratio of the areas, which is 2.795
    /// at 800x360.
    /// </summary>
    public static double DefaultLineWidth(ImageSize network) =>
        5 * Math.Sqrt((double)network.Width * network.Height / ((double)ImageSize.TuSimple.Width * ImageSize.TuSimple.Height));

    /// <summary>Draws a label's lanes.</summary>
    /// <param name="label">The lanes, in pixels of the original image.</param>
    /// <param name="original">The original image's size.</param>
    /// <param name="mask">Receives height x width bytes, row by row: 0 or 1.</param>
    public void Paint(TuSimpleLabel label, ImageSize original, Span<byte> mask) => Paint(label, original, Matrix3x2.Identity, mask);

    /// <summary>Draws a label's lanes after a transform.</summary>
    /// <param name="label">The lanes, in pixels of the original image.</param>
    /// <param name="original">The original image's size.</param>
    /// <param name="transform">Where pixels at the network's size go, in coordinates of pixel centres, such as <see cref="Augmentation.Transform"/>.</param>
    /// <param name="mask">Receives height x width bytes, row by row: 0 or 1.</param>
    public unsafe void Paint(TuSimpleLabel label, ImageSize original, Matrix3x2 transform, Span<byte> mask)
    {
        ArgumentNullException.ThrowIfNull(label);
        mask = mask[..(Size.Width * Size.Height)];
        mask.Clear();
        fixed (byte* pixels = mask)
        {
            var info = new SKImageInfo(Size.Width, Size.Height, SKColorType.Alpha8, SKAlphaType.Premul);
            using SKSurface surface = SKSurface.Create(info, (nint)pixels, Size.Width)
                ?? throw new InvalidOperationException($"A mask of {Size} could not be allocated.");
            var geometry = new ImageGeometry(original, Size);
            foreach (double[] lane in label.Lanes)
            {
                using SKPath path = Trace(lane, label.HSamples, geometry, transform);
                surface.Canvas.DrawPath(path, _paint);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _paint.Dispose();

    private static SKPath Trace(double[] lane, double[] rows, ImageGeometry geometry, Matrix3x2 transform)
    {
        var path = new SKPath();
        SKPoint last = default;
        int count = 0;
        for (int row = 0; row < rows.Length; row++)
        {
            if (lane[row] >= 0)
            {
                var point = new Vector2((float)geometry.ToNetworkX(lane[row]), (float)geometry.ToNetworkY(rows[row]));
                Vector2 moved = Vector2.Transform(point, transform);

                // Skia's origin is the corner of the first pixel, that of labels its centre.
                last = new SKPoint(moved.X + 0.5f, moved.Y + 0.5f);
                if (count++ == 0)
                {
                    path.MoveTo(last);
                }
                else
                {
                    path.LineTo(last);
                }
            }
        }

        if (count == 1)
        {
            path.LineTo(last);
        }

        return path;
    }
}
