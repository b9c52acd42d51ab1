using System.Globalization;

namespace Convoy.Lanes.Data;

/// <summary>An image's size in pixels, written <c>800x360</c>: width first.</summary>
public readonly record struct ImageSize(int Width, int Height)
{
    /// <summary>The size that the network sees unless told otherwise: 800x360.</summary>
    public static ImageSize Network => new(800, 360);

    /// <summary>The size of TuSimple's frames: 1280x720.</summary>
    public static ImageSize TuSimple => new(1280, 720);

    /// <summary>Reads <c>WIDTHxHEIGHT</c>.</summary>
    /// <exception cref="BadInputException">The text is not two whole numbers of at least 32 joined by an x.</exception>
    public static ImageSize Parse(string text)
    {
        string[] parts = text.Split('x');
        if (parts.Length == 2
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int width)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int height)
            && width is >= 32 and <= 16384 && height is >= 32 and <= 16384)
        {
            return new ImageSize(width, height);
        }

        throw new BadInputException("not an image size", text, "Give WIDTHxHEIGHT in pixels, each from 32 to 16384, such as 800x360.");
    }

    /// <summary>The size as <c>WIDTHxHEIGHT</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Width}x{Height}");
}
