using Convoy.Lanes.Data;

namespace Convoy.Lanes.Drawing.Roads;

/// <summary>What a drawn data set consists of.</summary>
public sealed record SyntheticOptions
{
    /// <summary>The most frames that a data set can have.</summary>
    public const int MostFrames = 100_000;

    /// <summary>Number of frames, 1 to <see cref="MostFrames"/>; 64 by default.</summary>
    public int Frames { get; init; } = 64;

    /// <summary>Fixes every picture and label; 0 by default. Frame i is the same in data sets of any number of frames.</summary>
    public long Seed { get; init; }

    /// <summary>Size of the pictures; 1280x720 by default, as TuSimple's. Other sizes show the same scenes, stretched to fit.</summary>
    public ImageSize Size { get; init; } = ImageSize.TuSimple;

    /// <summary>Quality of the JPEG files, 1 to 100; 90 by default.</summary>
    public int JpegQuality { get; init; } = 90;
}
