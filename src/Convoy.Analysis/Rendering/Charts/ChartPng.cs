using System.Globalization;
using Convoy.Analysis.Plots;
using SkiaSharp;

namespace Convoy.Analysis.Rendering.Charts;

/// <summary>Draws a chart as a PNG picture on white: the drawing of <see cref="ChartSvg.File"/> in pixels, 1440 to a row.</summary>
public static class ChartPng
{
    private const int PixelWidth = 1440;

    // Higher than any drawing; the height is known when it is drawn.
    private const float MostHeight = 1e6f;

    /// <summary>Why pictures cannot be drawn here; null when they can. Drawings in SVG need no fonts.</summary>
    public static string? Refusal { get; } = FindRefusal();

    /// <summary>The picture.</summary>
    /// <exception cref="InvalidOperationException">There is a <see cref="Refusal"/>.</exception>
    public static byte[] File(Chart chart)
    {
        ArgumentNullException.ThrowIfNull(chart);
        if (Refusal is not null)
        {
            throw new InvalidOperationException(Refusal);
        }

        (double margin, double titleBaseLine, double top, double width, double aroundHeight) = ChartDrawing.File;
        using var recorder = new SKPictureRecorder();
        using var fonts = new Fonts();
        SKCanvas recorded = recorder.BeginRecording(SKRect.Create((float)width, MostHeight));
        recorded.Translate((float)margin, (float)margin);
        var canvas = new SkiaCanvas(recorded, fonts);
        canvas.Label(0, titleBaseLine, chart.Title, "start title");
        recorded.Translate(0, (float)top);
        double height = ChartDrawing.Draw(canvas, chart) + aroundHeight;
        using SKPicture picture = recorder.EndRecording();

        float scale = PixelWidth / (float)width;
        using var bitmap = new SKBitmap(PixelWidth, (int)Math.Round(height * scale), SKColorType.Rgba8888, SKAlphaType.Opaque);
        using (var pixels = new SKCanvas(bitmap))
        {
            pixels.Clear(SKColors.White);
            pixels.Scale(scale);
            pixels.DrawPicture(picture);
        }

        using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    private static string? FindRefusal()
    {
        try
        {
            return SKFontManager.Default.FontFamilyCount > 0
                ? null
                : "No PNG plots: this system has no fonts to write on them with. Install one, such as DejaVu Sans; the SVG plots are complete.";
        }
        catch (Exception error) when (error is DllNotFoundException or TypeInitializationException { InnerException: DllNotFoundException })
        {
            // On Linux SkiaSharp leaves it to the program to choose one of its native packages.
            return "No PNG plots: the program lacks SkiaSharp's native library. Reference SkiaSharp.NativeAssets.Linux.NoDependencies in its project; the SVG plots are complete.";
        }
    }

    /// <summary>The typefaces of one picture.</summary>
    private sealed class Fonts : IDisposable
    {
        // The first that the system has, as in the style sheet; without any of them the system's own choice.
        private static readonly string[] Families = ["Segoe UI", "Helvetica Neue", "Arial", "Liberation Sans", "DejaVu Sans", "Noto Sans"];

        private readonly SKTypeface _plain = Find(SKFontStyle.Normal);
        private readonly SKTypeface _bold = Find(SKFontStyle.Bold);

        public SKFont Font(float size, bool isBold) => new(isBold ? _bold : _plain, size) { Subpixel = true, LinearMetrics = true };

        public void Dispose()
        {
            _plain.Dispose();
            _bold.Dispose();
        }

        private static SKTypeface Find(SKFontStyle style)
        {
            HashSet<string> installed = [.. SKFontManager.Default.FontFamilies];
            return SKTypeface.FromFamilyName(Array.Find(Families, installed.Contains), style);
        }
    }

    /// <summary>Draws with the light style sheet's colours, widths and sizes.</summary>
    private sealed class SkiaCanvas(SKCanvas canvas, Fonts fonts) : ChartCanvas
    {
        public override ChartCanvas Line(double x1, double y1, double x2, double y2, string classes)
        {
            if (Stroke(ChartStyle.Resolve(classes)) is { } paint)
            {
                canvas.DrawLine((float)x1, (float)y1, (float)x2, (float)y2, paint);
                paint.Dispose();
            }

            return this;
        }

        public override ChartCanvas Rectangle(double x, double y, double width, double height, string classes)
        {
            Paint(ChartStyle.Resolve(classes), paint => canvas.DrawRect((float)x, (float)y, (float)width, (float)height, paint));
            return this;
        }

        public override ChartCanvas Path(string data, string classes)
        {
            using SKPath path = SKPath.ParseSvgPathData(data);
            Paint(ChartStyle.Resolve(classes), paint => canvas.DrawPath(path, paint));
            return this;
        }

        public override ChartCanvas Label(double x, double y, string content, string classes)
        {
            IReadOnlyDictionary<string, string> style = ChartStyle.Resolve(classes, isText: true);
            using SKFont font = fonts.Font(Length(style["font-size"]), style.GetValueOrDefault("font-weight") == "600");
            SKTextAlign align = style.GetValueOrDefault("text-anchor") switch { "middle" => SKTextAlign.Center, "end" => SKTextAlign.Right, _ => SKTextAlign.Left };

            // Strokes of texts are halos: they lie behind the letters.
            if (Stroke(style) is { } halo)
            {
                canvas.DrawText(content, (float)x, (float)y, align, font, halo);
                halo.Dispose();
            }

            if (Fill(style) is { } ink)
            {
                canvas.DrawText(content, (float)x, (float)y, align, font, ink);
                ink.Dispose();
            }

            return this;
        }

        private static void Paint(IReadOnlyDictionary<string, string> style, Action<SKPaint> draw)
        {
            foreach (SKPaint? paint in new[] { Fill(style), Stroke(style) })
            {
                if (paint is not null)
                {
                    draw(paint);
                    paint.Dispose();
                }
            }
        }

        // Without a rule SVG fills with black; every class that fills has one.
        private static SKPaint? Fill(IReadOnlyDictionary<string, string> style) =>
            style.GetValueOrDefault("fill", "none") is not "none" and var fill ? new SKPaint { IsAntialias = true, Color = Color(style, fill) } : null;

        private static SKPaint? Stroke(IReadOnlyDictionary<string, string> style) =>
            style.GetValueOrDefault("stroke", "none") is not "none" and var stroke
                ? new SKPaint
                {
                    IsAntialias = true,
                    IsStroke = true,
                    Color = Color(style, stroke),
                    StrokeWidth = Length(style["stroke-width"]),
                    StrokeJoin = style.GetValueOrDefault("stroke-linejoin") == "round" ? SKStrokeJoin.Round : SKStrokeJoin.Miter,
                    PathEffect = style.TryGetValue("stroke-dasharray", out string? dashes) ? SKPathEffect.CreateDash([.. dashes.Split(' ').Select(Length)], 0) : null,
                }
                : null;

        private static SKColor Color(IReadOnlyDictionary<string, string> style, string value) => SKColor.Parse(value == "currentColor" ? style["color"] : value);

        private static float Length(string value) => float.Parse(value.Replace("px", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
    }
}
