using SkiaSharp;

namespace Convoy.Lanes.Data;

/// <summary>What an image's header says.</summary>
/// <param name="Size">The size of the pixels as they are stored.</param>
/// <param name="Origin">Which of the stored pixels' corners is the picture's upper left one, from EXIF.</param>
internal readonly record struct ImageFacts(ImageSize Size, SKEncodedOrigin Origin)
{
    /// <summary>Whether the picture is to be turned or mirrored for looking at it.</summary>
    public bool IsTurned => Origin is > SKEncodedOrigin.TopLeft and <= SKEncodedOrigin.LeftBottom;

    /// <summary>Reads them.</summary>
    public static ImageFacts Of(SKCodec codec) => new(new ImageSize(codec.Info.Width, codec.Info.Height), codec.EncodedOrigin);
}
