using System.Numerics;
using Convoy.Training.Loading;

namespace Convoy.Lanes.Data;

/// <summary>
/// Prepares one frame of a batch: reads it (from the cache, if there is one), augments it, and writes the normalised image and the mask
/// into the memory of the batch. One assembler serves one thread at a time.
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

    public FrameAssembler(LaneDataset dataset, LaneLoaderOptions options, FrameCache? cache)
    {
        _dataset = dataset;
        _options = options;
        _cache = cache;
        _reader = new FrameReader(options.ImageSize);
        _augmenter = new ImageAugmenter(options.ImageSize);
        _painter = new MaskPainter(options.ImageSize, options.LineWidth ?? MaskPainter.DefaultLineWidth(options.ImageSize));
        _pixels.Resize(options.ImageSize);
    }

    /// <summary>Prepares a frame.</summary>
    /// <param name="sample">The frame, and what its random changes depend on.</param>
    /// <param name="image">Receives 3 floats per pixel, in the memory order of the options.</param>
    /// <param name="mask">Receives 1 byte per pixel: 1 for lane and 0 for background.</param>
    public void Assemble(SampleContext sample, Span<float> image, Span<byte> mask)
    {
        LaneFrame frame = _dataset.Frames[sample.Index];
        Augmentation augmentation = _options.Augmentation.IsNone
            ? Augmentation.None
            : Augmentation.Draw(_options.Augmentation, sample.CreateRandom());
        nint source;
        ImageSize original;
        if (_cache is null)
        {
            original = _reader.Read(frame, _pixels.Bytes, mask);
            source = _pixels.Address;
        }
        else
        {
            original = _cache.OriginalSize(sample.Index);
            source = _cache.Pixels(sample.Index);
            _cache.Mask(sample.Index).CopyTo(mask);
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
            _painter.Paint(frame.Label, original, transform, mask);
        }
        else
        {
            _augmenter.ApplyToMask(mask, augmentation);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _reader.Dispose();
        _augmenter.Dispose();
        _painter.Dispose();
        _pixels.Dispose();
    }
}
