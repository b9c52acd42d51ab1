using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Convoy.Lanes.Data;

/// <summary>
/// What a cache file was made from: the format's version, the size of the frames, and path, length and time of last change
/// of every image and mask, in order. A file that changes without its length or its time changing is not noticed.
/// </summary>
internal static class FrameCacheKey
{
    /// <summary>The length of a key in bytes.</summary>
    public const int Length = SHA256.HashSizeInBytes;

    /// <summary>The key of a data set's frames at a size.</summary>
    public static byte[] Of(LaneDataset dataset, ImageSize size)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"frames {FrameCache.Version} {size}\n");
        foreach (LaneFrame frame in dataset.Frames)
        {
            Append(text, frame.ImagePath);
            if (frame.MaskPath is not null)
            {
                Append(text, frame.MaskPath);
            }
        }

        return SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()));
    }

    private static void Append(StringBuilder text, string path)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
        {
            throw new BadInputException("the image does not exist", path, "Put the file there or remove its label.");
        }

        text.Append(CultureInfo.InvariantCulture, $"{path}\n{file.Length} {file.LastWriteTimeUtc.Ticks}\n");
    }
}
