using System.Globalization;
using SkiaSharp;

namespace Convoy.Lanes.Data;

/// <summary>What the header of an image file says, read without decoding a pixel.</summary>
public static class ImageHeader
{
    /// <summary>The size of an image: that of its pixels as they are stored.</summary>
    /// <param name="path">A JPEG, PNG, WebP, BMP or GIF file.</param>
    /// <exception cref="BadInputException">The file is absent, has 0 bytes, is not an image or claims too many pixels (<see cref="ImageLimit"/>).</exception>
    public static ImageSize Read(string path) => Inspect(path).Size;

    /// <summary>Whether the image's EXIF orientation says to turn or mirror it; the same errors as <see cref="Read"/>.</summary>
    public static bool IsTurned(string path) => Inspect(path).IsTurned;

    /// <summary>The size and orientation of an image; the same errors as <see cref="Read"/>.</summary>
    internal static ImageFacts Inspect(string path)
    {
        using SKCodec codec = OpenCodec(path);
        return ImageFacts.Read(codec);
    }

    /// <summary>Opens an image for decoding; the same errors as <see cref="Read"/>.</summary>
    internal static SKCodec OpenCodec(string path)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
        {
            throw new BadInputException("the image does not exist", path, MissingFile.Remedy(path, "Restore the file or remove its label."));
        }

        if (file.Length == 0)
        {
            throw new BadInputException("the image has 0 bytes", path, "Restore the file or remove its label.");
        }

        SKCodec codec = SKCodec.Create(path, out SKCodecResult result)
            ?? throw new BadInputException($"the file is not an image that can be read: {result}", path, "Give a JPEG or PNG file or remove its label.");
        try
        {
            ImageLimit.FromEnvironment().Require(ImageFacts.Read(codec).Size, path, file.Length);
            return codec;
        }
        catch (BadInputException)
        {
            codec.Dispose();
            throw;
        }
    }
}

/// <summary>What an image's header says.</summary>
/// <param name="Size">The size of the pixels as they are stored.</param>
/// <param name="Origin">Which corner of the stored pixels is the upper left one of the picture, from EXIF.</param>
internal readonly record struct ImageFacts(ImageSize Size, SKEncodedOrigin Origin)
{
    /// <summary>Whether the picture has to be turned or mirrored to look right.</summary>
    public bool IsTurned => Origin is > SKEncodedOrigin.TopLeft and <= SKEncodedOrigin.LeftBottom;

    /// <summary>Reads an opened image's header.</summary>
    public static ImageFacts Read(SKCodec codec) => new(new ImageSize(codec.Info.Width, codec.Info.Height), codec.EncodedOrigin);
}

/// <summary>
/// How large an image may be, so that a few bytes that claim millions of pixels do not fill the memory. It is checked against the header,
/// before a pixel is decoded.
/// </summary>
/// <param name="Megapixels">The limit in millions of pixels.</param>
public readonly record struct ImageLimit(double Megapixels)
{
    /// <summary>The environment variable that sets the limit, in millions of pixels: above 0 and up to 500. The processes of a run inherit it.</summary>
    public const string Variable = "CONVOY_MAX_MEGAPIXELS";

    /// <summary>The limit where <see cref="Variable"/> is not set: 100 million pixels, which take 400 MB to decode.</summary>
    public const double DefaultMegapixels = 100;

    // A buffer of 4 bytes per pixel must stay below 2 GB.
    private const double MostMegapixels = 500;

    /// <summary>Images up to this size may be files of any length: blank masks compress well.</summary>
    private const long UnquestionedPixels = 16_000_000;

    /// <summary>Larger images have at least one byte for this many pixels: the strongest compression that frames and masks come in is PNG's, at most 1032 to 1 with 8 bits per pixel.</summary>
    private const long MostPixelsPerByte = 1032;

    /// <summary>The longest side, which is libjpeg's limit: every picture that is read can then be drawn on and saved.</summary>
    private const int LongestSide = 65_500;

    /// <summary>The limit that <see cref="Variable"/> sets, else the default.</summary>
    /// <exception cref="BadInputException">The variable is not a number in its range.</exception>
    public static ImageLimit FromEnvironment() => Parse(Environment.GetEnvironmentVariable(Variable));

    /// <summary>Parses the variable's value; the default when it is null or empty.</summary>
    /// <exception cref="BadInputException">It is not a number in its range.</exception>
    public static ImageLimit Parse(string? megapixels)
    {
        if (string.IsNullOrEmpty(megapixels))
        {
            return new ImageLimit(DefaultMegapixels);
        }

        return double.TryParse(megapixels, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value) && value is > 0 and <= MostMegapixels
            ? new ImageLimit(value)
            : throw new BadInputException($"{Variable} is not a valid number of megapixels", megapixels, string.Create(CultureInfo.InvariantCulture, $"Set it to a number above 0 and up to {MostMegapixels}, or unset it for {DefaultMegapixels}."));
    }

    /// <summary>Checks that an image does not have too many pixels, nor too many for the length of its file.</summary>
    /// <param name="size">What the header claims.</param>
    /// <param name="path">The file.</param>
    /// <param name="fileBytes">The file's length.</param>
    /// <exception cref="BadInputException">It has.</exception>
    public void Require(ImageSize size, string path, long fileBytes)
    {
        long pixels = (long)size.Width * size.Height;
        if (pixels > UnquestionedPixels && pixels / MostPixelsPerByte > fileBytes)
        {
            throw new BadInputException(
                string.Create(CultureInfo.InvariantCulture, $"the image claims {size} pixels in only {fileBytes} bytes"), path, "Restore the file or remove its label.");
        }

        if (Math.Max(size.Width, size.Height) > LongestSide)
        {
            throw new BadInputException(string.Create(CultureInfo.InvariantCulture, $"the image has {size} pixels, but its longest side may have at most {LongestSide}"), path, "Scale it down or remove its label.");
        }

        if (pixels > Megapixels * 1e6)
        {
            throw new BadInputException(
                string.Create(CultureInfo.InvariantCulture, $"the image has {size} pixels, but the limit is {Megapixels} megapixels"), path, $"Scale it down, or set {Variable} to allow it.");
        }
    }
}

/// <summary>What to do about a missing file that labels refer to.</summary>
public static class MissingFile
{
    /// <summary>The remedy: <paramref name="usual"/>, unless the path itself shows why the file is not found.</summary>
    /// <param name="path">Where the file was looked for.</param>
    /// <param name="usual">What to do otherwise: one sentence with its full stop.</param>
    public static string Remedy(string path, string usual) => path.Contains('\\') && Path.DirectorySeparatorChar != '\\'
        ? "The path has backslashes, as on Windows: use forward slashes in the labels, such as clips/a/20.jpg."
        : usual;
}
