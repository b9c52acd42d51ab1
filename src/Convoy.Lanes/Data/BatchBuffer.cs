using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Convoy.Training.Loading;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Lanes.Data;

/// <summary>
/// The memory of one batch, used again and again: two tensors that worker threads write into directly, each frame at its
/// own place.
/// </summary>
internal sealed unsafe class BatchBuffer : IDisposable
{
    private readonly int _imageFloats;
    private readonly int _maskBytes;
    private readonly Tensor _images;
    private readonly Tensor _masks;
    private readonly bool _channelsLast;
    private readonly float* _imageData;
    private readonly byte* _maskData;

    /// <summary>Allocates room for a whole batch; the tensors belong to no dispose scope.</summary>
    public BatchBuffer(LaneLoaderOptions options)
    {
        ImageSize size = options.ImageSize;
        _channelsLast = options.ChannelsLast;
        _imageFloats = 3 * size.Width * size.Height;
        _maskBytes = size.Width * size.Height;
        long[] shape = _channelsLast
            ? [options.BatchSize, size.Height, size.Width, 3]
            : [options.BatchSize, 3, size.Height, size.Width];
        _images = empty(shape, ScalarType.Float32).DetachFromDisposeScope();
        _masks = empty([options.BatchSize, size.Height, size.Width], ScalarType.Byte).DetachFromDisposeScope();

        // Native memory, which doesn't move while the tensors live.
        _imageData = (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(_images.bytes));
        _maskData = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(_masks.bytes));
    }

    /// <summary>Buffers that serve one batch after another.</summary>
    public static ResourcePool<BatchBuffer> Pool(LaneLoaderOptions options) => new(() => new BatchBuffer(options), options.PrefetchBatches + 2);

    /// <summary>The memory of a frame's image.</summary>
    public Span<float> Image(int place) => new(_imageData + ((long)place * _imageFloats), _imageFloats);

    /// <summary>The memory of a frame's mask.</summary>
    public Span<byte> Mask(int place) => new(_maskData + ((long)place * _maskBytes), _maskBytes);

    /// <summary>The first <paramref name="count"/> images as <c>[count, 3, height, width]</c>, sharing the memory, in no dispose scope.</summary>
    public Tensor ImagesView(int count)
    {
        Tensor first = _images.narrow(0, 0, count);
        if (!_channelsLast)
        {
            return first.DetachFromDisposeScope();
        }

        using (first)
        {
            return first.permute(0, 3, 1, 2).DetachFromDisposeScope();
        }
    }

    /// <summary>The first <paramref name="count"/> masks as <c>[count, height, width]</c>, sharing the memory, in no dispose scope.</summary>
    public Tensor MasksView(int count) => _masks.narrow(0, 0, count).DetachFromDisposeScope();

    /// <inheritdoc/>
    public void Dispose()
    {
        _images.Dispose();
        _masks.Dispose();
    }
}
