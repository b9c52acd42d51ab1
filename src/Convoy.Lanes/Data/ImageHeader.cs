using SkiaSharp;

namespace Convoy.Lanes.Data;

/// <summary>What an image file says about itself before its pixels are decoded.</summary>
public static class ImageHeader
{
    /// <summary>Reads an image's size from its header: that of its pixels as they are stored.</summary>
    /// <param name="path">A JPEG, PNG, WebP, BMP or GIF file.</param>
    /// <exception cref="BadInputException">The file is absent, has 0 bytes, is not an image or claims too many pixels (<see cref="ImageLimit"/>).</exception>
    public static ImageSize Read(string path) => Inspect(path).Size;

    /// <summary>Whether the image's EXIF orientation says to turn or mirror it; the same errors as <see cref="Read"/>.</summary>
    public static bool IsTurned(string path) => Inspect(path).IsTurned;

    /// <summary>Reads an image's size and orientation; the same errors as <see cref="Read"/>.</summary>
    internal static ImageFacts Inspect(string path)
    {
        using SKCodec codec = OpenCodec(path);
        return ImageFacts.Of(codec);
    }

    /// <summary>Opens an image for decoding; the same errors as <see cref="Read"/>.</summary>
    internal static SKCodec OpenCodec(string path)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
        {
            throw new BadInputException("the image does not exist", path, MissingFile.Remedy(path, "Put the file there or remove its label."));
        }

        if (file.Length == 0)
        {
            throw new BadInputException("the image has 0 bytes", path, "Restore the file or remove its label.");
        }

        SKCodec codec = SKCodec.Create(path, out SKCodecResult result)
            ?? throw new BadInputException($"the file is not an image that can be read: {result}", path, "Give a JPEG or PNG file or remove its label.");
        try
        {
            ImageLimit.FromEnvironment().Require(ImageFacts.Of(codec).Size, path, file.Length);
            return codec;
        }
        catch (BadInputException)
        {
            codec.Dispose();
            throw;
        }
    }
}
