using SkiaSharp;

namespace Convoy.Lanes.Data;

/// <summary>What an image file says about itself before its pixels are decoded.</summary>
public static class ImageHeader
{
    /// <summary>Reads an image's size from its header.</summary>
    /// <param name="path">A JPEG, PNG, WebP, BMP or GIF file.</param>
    /// <exception cref="BadInputException">The file is absent, has 0 bytes or is not an image.</exception>
    public static ImageSize Read(string path)
    {
        using SKCodec codec = OpenCodec(path);
        return new ImageSize(codec.Info.Width, codec.Info.Height);
    }

    /// <summary>Opens an image for decoding; the same errors as <see cref="Read"/>.</summary>
    internal static SKCodec OpenCodec(string path)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
        {
            throw new BadInputException("the image does not exist", path, "Put the file there or remove its label.");
        }

        if (file.Length == 0)
        {
            throw new BadInputException("the image has 0 bytes", path, "Restore the file or remove its label.");
        }

        return SKCodec.Create(path, out SKCodecResult result)
            ?? throw new BadInputException($"the file is not an image that can be read: {result}", path, "Give a JPEG or PNG file or remove its label.");
    }
}
