using System.Globalization;
using Convoy.Training.Loading;

namespace Convoy.Lanes.Data;

/// <summary>
/// Decoded frames at the network's size: 4 bytes per pixel and, if the data set has mask files, 1 byte per pixel of the mask. Safe for any
/// thread.
/// </summary>
internal sealed class FrameCache(SampleCache samples, ImageSize size) : IDisposable
{
    /// <summary>The version of the way frames are decoded: raise it when that changes.</summary>
    private const int Version = 1;

    /// <summary>Opens the cache of a data set at a size, building it when it is absent or damaged.</summary>
    /// <param name="directory">The cache folder, created when absent.</param>
    /// <param name="dataset">The frames.</param>
    /// <param name="size">The size of the cached frames.</param>
    /// <param name="workers">How many threads decode; 0 counts as 1.</param>
    /// <param name="time">The clock of the time-out while another process builds.</param>
    /// <param name="cancellation">Stops waiting or building, and removes what was begun.</param>
    /// <exception cref="BadInputException">The folder cannot be written, or an image is bad.</exception>
    public static FrameCache OpenOrBuild(string directory, LaneDataset dataset, ImageSize size, int workers, TimeProvider time, CancellationToken cancellation)
    {
        using var readers = new ResourcePool<FrameReader>(() => new FrameReader(size), Math.Max(1, workers));
        SampleCacheFormat format = Format(size, dataset.Count, dataset.Frames.Any(frame => frame.MaskPath is not null));
        return new FrameCache(SampleCache.OpenOrBuild(directory, format, Key(dataset, size), Decode, workers, time, cancellation), size);

        long Decode(int index, Span<byte> bytes)
        {
            FrameReader reader = readers.Rent();
            try
            {
                int pixels = PixelBuffer.ByteCount(size);
                return Tag(reader.Read(dataset.Frames[index], bytes[..pixels], bytes[pixels..]));
            }
            finally
            {
                readers.Return(reader);
            }
        }
    }

    /// <summary>The format of a file of frames.</summary>
    public static SampleCacheFormat Format(ImageSize size, int count, bool hasMasks) => new()
    {
        Name = "frames",
        Signature = "CNVYFRMS",
        Version = Version,
        Count = count,
        SampleBytes = PixelBuffer.ByteCount(size) + (hasMasks ? size.Width * size.Height : 0),
        Shape = (size.Width, size.Height, hasMasks ? 1 : 0),
    };

    /// <summary>The size of an image file as the tag that the cache keeps with its frame.</summary>
    public static long Tag(ImageSize original) => ((long)original.Height << 32) | (uint)original.Width;

    /// <summary>The address of a frame's pixels, 4 bytes each, read-only.</summary>
    public nint Pixels(int index) => samples.Address(index);

    /// <summary>A frame's mask, 1 byte per pixel; empty when the data set has no mask files.</summary>
    public ReadOnlySpan<byte> Mask(int index) => samples.Sample(index)[PixelBuffer.ByteCount(size)..];

    /// <summary>The size of a frame's image file.</summary>
    public ImageSize OriginalSize(int index)
    {
        long tag = samples.Tag(index);
        return new ImageSize((int)tag, (int)(tag >> 32));
    }

    /// <inheritdoc/>
    public void Dispose() => samples.Dispose();

    private static byte[] Key(LaneDataset dataset, ImageSize size) =>
        SampleCacheKey.FromFiles(string.Create(CultureInfo.InvariantCulture, $"frames {Version} {size}"), dataset.Frames.SelectMany(Files));

    private static IEnumerable<string> Files(LaneFrame frame) => frame.MaskPath is null ? [frame.ImagePath] : [frame.ImagePath, frame.MaskPath];
}
