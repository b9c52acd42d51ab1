namespace Convoy.Analysis.Rendering.Svg;

/// <summary>The area in which data is drawn, and the drawing around it. A unit is a pixel at the drawing's own size.</summary>
/// <param name="Left">The area's left edge.</param>
/// <param name="Top">The area's upper edge.</param>
/// <param name="Width">The area's width.</param>
/// <param name="Height">The area's height.</param>
internal sealed record SvgFrame(double Left, double Top, double Width, double Height)
{
    /// <summary>Every drawing's width: two of them stand beside each other on a page, one fills a telephone's.</summary>
    public const double DrawingWidth = 460;

    /// <summary>The size of letters.</summary>
    public const double FontSize = 12;

    // The mean width of a letter of usual sans-serif fonts; what is measured with it may be a little wide, never much too narrow.
    private const double LetterWidth = 0.57 * FontSize;

    public double Right => Left + Width;

    public double Bottom => Top + Height;

    public double X(double fraction) => Left + (fraction * Width);

    public double Y(double fraction) => Bottom - (fraction * Height);

    /// <summary>About how wide a text is.</summary>
    public static double WidthOf(string text) => text.Length * LetterWidth;
}
