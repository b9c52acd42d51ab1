using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Convoy.Lanes.Data;

/// <summary>An image's size in pixels, written <c>800x360</c>: width first.</summary>
[JsonConverter(typeof(ImageSizeJsonConverter))]
public readonly record struct ImageSize(int Width, int Height)
{
    /// <summary>The default size of the network's input: 800x360.</summary>
    public static ImageSize Network => new(800, 360);

    /// <summary>The size of TuSimple's frames: 1280x720.</summary>
    public static ImageSize TuSimple => new(1280, 720);

    /// <summary>Parses <c>WIDTHxHEIGHT</c>.</summary>
    /// <exception cref="BadInputException">The text is not two whole numbers from 32 to 16384 joined by an x.</exception>
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

/// <summary>
/// The one place that defines how pixels of an original image map to pixels at the network's size and back.
/// </summary>
/// <remarks>
/// Coordinates are those of pixel centres: x = 3 is the centre of the fourth column, and the image covers -0.5 to width - 0.5.
/// An image resized from width W to w covers the same scene, so x maps to (x + 0.5) · w / W - 0.5, and y likewise
/// (PyTorch's and OpenCV's convention for resizing without aligned corners). Labels, masks and detected lanes all use it.
/// </remarks>
/// <param name="Original">The size of the image file.</param>
/// <param name="Network">The size of the network's input.</param>
public readonly record struct ImageGeometry(ImageSize Original, ImageSize Network)
{
    /// <summary>Network pixels per original pixel, across.</summary>
    public double ScaleX => (double)Network.Width / Original.Width;

    /// <summary>Network pixels per original pixel, down.</summary>
    public double ScaleY => (double)Network.Height / Original.Height;

    /// <summary>From the original's x to the network's.</summary>
    public double ToNetworkX(double x) => ((x + 0.5) * ScaleX) - 0.5;

    /// <summary>From the original's y to the network's.</summary>
    public double ToNetworkY(double y) => ((y + 0.5) * ScaleY) - 0.5;

    /// <summary>From the network's x to the original's.</summary>
    public double ToOriginalX(double x) => ((x + 0.5) / ScaleX) - 0.5;

    /// <summary>From the network's y to the original's.</summary>
    public double ToOriginalY(double y) => ((y + 0.5) / ScaleY) - 0.5;
}

/// <summary>Image sizes as <c>"800x360"</c> in JSON, as on the command line.</summary>
internal sealed class ImageSizeJsonConverter : JsonConverter<ImageSize>
{
    /// <inheritdoc/>
    public override ImageSize Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        ImageSize.Parse(reader.GetString() ?? string.Empty);

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, ImageSize value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}
