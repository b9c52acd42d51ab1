using System.Globalization;

namespace Convoy.Lanes.Data;

/// <summary>
/// How large an image may be, so that a few bytes that claim millions of pixels don't fill the memory: asked of the header,
/// before a pixel is decoded.
/// </summary>
/// <param name="Megapixels">The most pixels in millions.</param>
public readonly record struct ImageLimit(double Megapixels)
{
    /// <summary>The environment variable with the limit in millions of pixels: above 0 and up to 500. The processes of a run inherit it.</summary>
    public const string Variable = "CONVOY_MAX_MEGAPIXELS";

    /// <summary>The limit where <see cref="Variable"/> is not set: 100 million pixels, which take 400 MB to decode.</summary>
    public const double DefaultMegapixels = 100;

    // A buffer of 4 bytes a pixel has less than 2 GB.
    private const double MostMegapixels = 500;

    /// <summary>Images up to this size may be of any few bytes: blank masks compress well.</summary>
    private const long UnquestionedPixels = 16_000_000;

    /// <summary>No larger image is smaller than a byte for so many pixels: PNG's compression, at most 1032 to 1 on 8 bits a pixel, is the strongest that frames and masks come in.</summary>
    private const long MostPixelsPerByte = 1032;

    /// <summary>The longest side: that of libjpeg, so that every picture that is read can be drawn on and saved.</summary>
    private const int LongestSide = 65_500;

    /// <summary>The limit that <see cref="Variable"/> sets, else the default.</summary>
    /// <exception cref="BadInputException">The variable is not a number in its range.</exception>
    public static ImageLimit FromEnvironment() => Parse(Environment.GetEnvironmentVariable(Variable));

    /// <summary>Reads the variable's value; the default when it is null or empty.</summary>
    /// <exception cref="BadInputException">It is not a number in its range.</exception>
    public static ImageLimit Parse(string? megapixels)
    {
        if (string.IsNullOrEmpty(megapixels))
        {
            return new ImageLimit(DefaultMegapixels);
        }

        return double.TryParse(megapixels, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value) && value is > 0 and <= MostMegapixels
            ? new ImageLimit(value)
            : throw new BadInputException($"{Variable} is not a number of megapixels", megapixels, string.Create(CultureInfo.InvariantCulture, $"Set it to a number above 0 and up to {MostMegapixels}, or unset it for {DefaultMegapixels}."));
    }

    /// <summary>Refuses an image of too many pixels, or of too many for its file.</summary>
    /// <param name="size">What the header claims.</param>
    /// <param name="path">The file.</param>
    /// <param name="fileBytes">The file's length.</param>
    /// <exception cref="BadInputException">The image is refused.</exception>
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
            throw new BadInputException(string.Create(CultureInfo.InvariantCulture, $"the image has {size} pixels, and the longest side may have {LongestSide}"), path, "Scale it down or remove its label.");
        }

        if (pixels > Megapixels * 1e6)
        {
            throw new BadInputException(
                string.Create(CultureInfo.InvariantCulture, $"the image has {size} pixels, and the limit is {Megapixels} megapixels"), path, $"Scale it down, or set {Variable} to allow it.");
        }
    }
}
