using Convoy.Lanes.Data;
using SkiaSharp;

namespace Convoy.Lanes.Drawing;

/// <summary>
/// Draws lanes on their image: predicted ones as coloured lines, true ones as thin white dots on top, so that differences catch the eye.
/// </summary>
public static class OverlayPainter
{
    /// <summary>The width of 1280x720 images, which the line widths below are made for; they scale with the image.</summary>
    private const float ReferenceWidth = 1280;

    /// <summary>Okabe and Ito's palette, which is safe for colour-blind viewers, ordered so that neighbouring lanes differ most.</summary>
    private static readonly SKColor[] LaneColours =
    [
        new(0xE6, 0x9F, 0x00), new(0x56, 0xB4, 0xE9), new(0xF0, 0xE4, 0x42), new(0xCC, 0x79, 0xA7), new(0x00, 0x9E, 0x73), new(0xD5, 0x5E, 0x00),
    ];

    private static readonly SKColor MaskColour = new(0x00, 0xE5, 0xFF);

    /// <summary>Draws lanes on an image and saves the picture at the image's size.</summary>
    /// <param name="imagePath">The image, in any format that SkiaSharp decodes.</param>
    /// <param name="lanes">The predicted lanes: x in pixels of the image for each row, negative where a lane has no point.</param>
    /// <param name="hSamples">The rows, y in pixels of the image.</param>
    /// <param name="truth">The true lanes in the same rows; null for none.</param>
    /// <param name="outputPath">The picture to write, ending in .jpg, .jpeg or .png. An existing one is replaced once the new one is complete.</param>
    /// <param name="options">What else to draw; null for the defaults.</param>
    /// <exception cref="BadInputException">The image does not exist or is not an image, or the picture cannot be written or has another extension.</exception>
    /// <exception cref="ArgumentException">A lane does not have one x per row, or the mask does not have the size given.</exception>
    public static void Paint(
        string imagePath,
        IReadOnlyList<double[]> lanes,
        double[] hSamples,
        IReadOnlyList<double[]>? truth,
        string outputPath,
        OverlayOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(lanes);
        ArgumentNullException.ThrowIfNull(hSamples);
        ArgumentNullException.ThrowIfNull(outputPath);
        options ??= new OverlayOptions();
        SKEncodedImageFormat format = FormatOf(outputPath);
        if (lanes.Concat(truth ?? []).Any(lane => lane.Length != hSamples.Length))
        {
            throw new ArgumentException($"A lane does not have one x for each of the {hSamples.Length} rows.", nameof(lanes));
        }

        using SKBitmap picture = Decode(imagePath, options.Upright);
        using (var canvas = new SKCanvas(picture))
        {
            float scale = picture.Width / ReferenceWidth;
            DrawMask(canvas, picture, options);
            for (int i = 0; i < lanes.Count; i++)
            {
                DrawLane(canvas, lanes[i], hSamples, LaneColours[i % LaneColours.Length], scale);
            }

            foreach (double[] lane in truth ?? [])
            {
                DrawTruth(canvas, lane, hSamples, scale);
            }

            if (!string.IsNullOrEmpty(options.Caption))
            {
                DrawCaption(canvas, picture, options.Caption, scale);
            }
        }

        using SKData encoded = picture.Encode(format, options.JpegQuality)
            ?? throw new InvalidOperationException($"The picture could not be encoded as {format}.");
        OutputFile.Write(outputPath, encoded.SaveTo);
    }

    private static SKEncodedImageFormat FormatOf(string path) => Path.GetExtension(path).ToUpperInvariant() switch
    {
        ".JPG" or ".JPEG" => SKEncodedImageFormat.Jpeg,
        ".PNG" => SKEncodedImageFormat.Png,
        _ => throw new BadInputException("the file name has no known extension for pictures", path, "Use .jpg or .png."),
    };

    private static SKBitmap Decode(string path, bool upright)
    {
        using SKCodec codec = ImageHeader.OpenCodec(path);
        ImageFacts stored = ImageFacts.Read(codec);
        bool turn = upright && stored.IsTurned;
        var bitmap = new SKBitmap(PixelBuffer.Info(turn ? ImageOrientation.Upright(stored.Size, stored.Origin) : stored.Size));
        try
        {
            if (!turn)
            {
                ImageReader.Decode(codec, path, stored.Size, bitmap.GetPixels());
                return bitmap;
            }

            using var pixels = new PixelBuffer();
            pixels.Resize(stored.Size);
            ImageReader.Decode(codec, path, stored.Size, pixels.Address);
            ImageOrientation.Turn(pixels, stored.Origin, bitmap.GetPixels());
            return bitmap;
        }
        catch (BadInputException)
        {
            bitmap.Dispose();
            throw;
        }
    }

    private static void DrawMask(SKCanvas canvas, SKBitmap picture, OverlayOptions options)
    {
        ReadOnlySpan<byte> mask = options.Mask.Span;
        if (mask.IsEmpty)
        {
            return;
        }

        (int width, int height) = options.MaskSize;
        if (mask.Length != width * height)
        {
            throw new ArgumentException($"The mask has {mask.Length} values, which is not {options.MaskSize}.", nameof(options));
        }

        using var shade = new SKBitmap(new SKImageInfo(width, height, SKColorType.Alpha8, SKAlphaType.Premul));
        Span<byte> pixels = shade.GetPixelSpan();
        byte alpha = (byte)Math.Round(255 * Math.Clamp(options.MaskOpacity, 0, 1));
        for (int row = 0; row < height; row++)
        {
            Span<byte> target = pixels.Slice(row * shade.RowBytes, width);
            for (int column = 0; column < width; column++)
            {
                target[column] = mask[(row * width) + column] != 0 ? alpha : (byte)0;
            }
        }

        using SKImage image = SKImage.FromBitmap(shade);
        using var paint = new SKPaint { Color = MaskColour };
        canvas.DrawImage(image, new SKRect(0, 0, picture.Width, picture.Height), new SKSamplingOptions(SKFilterMode.Linear), paint);
    }

    private static void DrawLane(SKCanvas canvas, double[] lane, double[] rows, SKColor colour, float scale)
    {
        using SKPath path = SmoothPath(lane, rows);
        using SKPaint outline = Stroke(SKColors.Black.WithAlpha(110), 9.5f * scale);
        using SKPaint line = Stroke(colour.WithAlpha(235), 6 * scale);
        canvas.DrawPath(path, outline);
        canvas.DrawPath(path, line);
    }

    private static void DrawTruth(SKCanvas canvas, double[] lane, double[] rows, float scale)
    {
        using SKPath path = SmoothPath(lane, rows);
        using SKPaint shadow = Stroke(SKColors.Black.WithAlpha(150), 4 * scale);
        using SKPaint dots = Stroke(SKColors.White, 2.4f * scale);

        // Dashes of no length with round caps are dots.
        using var dotted = SKPathEffect.CreateDash([0.01f, 9 * scale], 0);
        shadow.PathEffect = dotted;
        dots.PathEffect = dotted;
        canvas.DrawPath(path, shadow);
        canvas.DrawPath(path, dots);
    }

    private static SKPaint Stroke(SKColor colour, float width) => new()
    {
        Style = SKPaintStyle.Stroke,
        Color = colour,
        StrokeWidth = width,
        StrokeCap = SKStrokeCap.Round,
        StrokeJoin = SKStrokeJoin.Round,
        IsAntialias = true,
    };

    /// <summary>The curve through a lane's points (Catmull-Rom's, as cubic Bezier pieces). A lane of one point becomes a dot.</summary>
    private static SKPath SmoothPath(double[] lane, double[] rows)
    {
        var points = new List<SKPoint>(lane.Length);
        for (int i = 0; i < lane.Length; i++)
        {
            if (lane[i] >= 0)
            {
                // Labels use coordinates of pixel centres, the canvas those of pixel corners.
                points.Add(new SKPoint((float)lane[i] + 0.5f, (float)rows[i] + 0.5f));
            }
        }

        var path = new SKPath();
        if (points.Count == 0)
        {
            return path;
        }

        path.MoveTo(points[0]);
        if (points.Count == 1)
        {
            path.LineTo(points[0]);
        }

        for (int i = 0; i + 1 < points.Count; i++)
        {
            SKPoint before = points[Math.Max(i - 1, 0)];
            SKPoint from = points[i];
            SKPoint to = points[i + 1];
            SKPoint after = points[Math.Min(i + 2, points.Count - 1)];
            path.CubicTo(
                new SKPoint(from.X + ((to.X - before.X) / 6), from.Y + ((to.Y - before.Y) / 6)),
                new SKPoint(to.X - ((after.X - from.X) / 6), to.Y - ((after.Y - from.Y) / 6)),
                to);
        }

        return path;
    }

    private static void DrawCaption(SKCanvas canvas, SKBitmap picture, string caption, float scale)
    {
        using var font = new SKFont(SKTypeface.Default, 22 * scale) { Edging = SKFontEdging.Antialias };
        if (font.Typeface.GlyphCount == 0)
        {
            return;
        }

        SKFontMetrics metrics = font.Metrics;
        float padding = 10 * scale;
        float width = font.MeasureText(caption) + (2 * padding);
        float height = metrics.Descent - metrics.Ascent + padding;
        var bar = SKRect.Create(padding, picture.Height - height - padding, width, height);
        using var background = new SKPaint { Color = SKColors.Black.WithAlpha(165), IsAntialias = true };
        using var text = new SKPaint { Color = SKColors.White, IsAntialias = true };
        canvas.DrawRoundRect(bar, 6 * scale, 6 * scale, background);
        canvas.DrawText(caption, bar.Left + padding, bar.Top + (padding / 2) - metrics.Ascent, SKTextAlign.Left, font, text);
    }
}

/// <summary>What <see cref="OverlayPainter"/> draws besides the lanes.</summary>
public sealed record OverlayOptions
{
    /// <summary>One line of text in the picture's lower left corner, such as <c>accuracy 0.93, 41 ms</c>. Default: none. Omitted on systems without any font.</summary>
    public string? Caption { get; init; }

    /// <summary>Predicted lane pixels to shade, row-major: 0 for background, any other value for lane. Default: none.</summary>
    public ReadOnlyMemory<byte> Mask { get; init; }

    /// <summary>The size of <see cref="Mask"/>. Default 800x360.</summary>
    public ImageSize MaskSize { get; init; } = ImageSize.Network;

    /// <summary>The opacity of the mask, 0 (invisible) to 1. Default 0.35.</summary>
    public double MaskOpacity { get; init; } = 0.35;

    /// <summary>Whether the image is turned as its EXIF orientation says; lanes and mask are then those of the turned picture. Default false.</summary>
    public bool Upright { get; init; }

    /// <summary>JPEG quality, 1 to 100. Default 90. PNG ignores it.</summary>
    public int JpegQuality { get; init; } = 90;
}
