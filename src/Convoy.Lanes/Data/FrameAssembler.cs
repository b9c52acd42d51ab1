using System.Numerics;

namespace Convoy.Lanes.Data;

/// <summary>
/// Prepares one frame of a batch: reads it (from the cache, if there is one), changes it, and writes the normalised image
/// and the mask where the batch wants them. One assembler serves one thread at a time.
/// </summary>
internal sealed unsafe class FrameAssembler : IDisposable
{
    private readonly LaneDataset _dataset;
    private readonly LaneLoaderOptions _options;
    private readonly FrameCache? _cache;
    private readonly FrameReader _reader;
    private readonly ImageAugmenter _augmenter;
    private readonly MaskPainter _painter;
    private readonly PixelBuffer _pixels = new();
    private readonly byte[] _mask;

    public FrameAssembler(LaneDataset dataset, LaneLoaderOptions options, FrameCache? cache)
    {
        _dataset = dataset;
        _options = options;
        _cache = cache;
        _reader = new FrameReader(options.ImageSize);
        _augmenter = new ImageAugmenter(options.ImageSize);
        _painter = new MaskPainter(options.ImageSize, options.LineWidth ?? MaskPainter.DefaultLineWidth(options.ImageSize));
        _pixels.Resize(options.ImageSize);
        _mask = new byte[options.ImageSize.Width * options.ImageSize.Height];
    }

    /// <summary>Prepares a frame.</summary>
    /// <param name="frameIndex">The frame's index in the data set.</param>
    /// <param name="epoch">The epoch, which the random changes depend on.</param>
    /// <param name="image">Room for 3 floats a pixel, in the memory order of the options.</param>
    /// <param name="mask">Room for one number a pixel.</param>
    public void Assemble(int frameIndex, int epoch, Span<float> image, Span<long> mask)
    {
        LaneFrame frame = _dataset.Frames[frameIndex];
        Augmentation augmentation = _options.Augmentation.IsNone
            ? Augmentation.None
            : Augmentation.Draw(_options.Augmentation, _options.Seed, epoch, frameIndex);
        nint source;
        ImageSize original;
        if (_cache is null)
        {
            original = _reader.Read(frame, _pixels.Bytes, _mask);
            source = _pixels.Address;
        }
        else
        {
            original = _cache.OriginalSize(frameIndex);
            source = _cache.Pixels(frameIndex);
            _cache.Mask(frameIndex).CopyTo(_mask);
        }

        var pixels = new ReadOnlySpan<byte>((void*)_augmenter.Apply(source, augmentation), PixelBuffer.ByteCount(_options.ImageSize));
        if (_options.ChannelsLast)
        {
            ImageNetNormalization.ToInterleaved(pixels, image);
        }
        else
        {
            ImageNetNormalization.ToPlanes(pixels, image);
        }

        if (frame.MaskPath is null)
        {
            Matrix3x2 transform = augmentation.KeepsGeometry ? Matrix3x2.Identity : augmentation.Transform(_options.ImageSize);
            _painter.Paint(frame.Label, original, transform, _mask);
        }
        else
        {
            _augmenter.ApplyToMask(_mask, augmentation);
        }

        Widen(_mask, mask);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _reader.Dispose();
        _augmenter.Dispose();
        _painter.Dispose();
        _pixels.Dispose();
    }

    private static void Widen(ReadOnlySpan<byte> from, Span<long> to)
    {
        int i = 0;
        int step = Vector<byte>.Count;
        int part = Vector<long>.Count;
        for (; i <= from.Length - step; i += step)
        {
            Vector.Widen(new Vector<byte>(from[i..]), out Vector<ushort> low, out Vector<ushort> high);
            WidenShorts(low, to.Slice(i, step / 2), part);
            WidenShorts(high, to.Slice(i + (step / 2), step / 2), part);
        }

        for (; i < from.Length; i++)
        {
            to[i] = from[i];
        }
    }

    private static void WidenShorts(Vector<ushort> shorts, Span<long> to, int part)
    {
        Vector.Widen(shorts, out Vector<uint> low, out Vector<uint> high);
        Vector.Widen(low, out Vector<ulong> first, out Vector<ulong> second);
        Vector.Widen(high, out Vector<ulong> third, out Vector<ulong> fourth);
        first.As<ulong, long>().CopyTo(to);
        second.As<ulong, long>().CopyTo(to[part..]);
        third.As<ulong, long>().CopyTo(to[(2 * part)..]);
        fourth.As<ulong, long>().CopyTo(to[(3 * part)..]);
    }
}
