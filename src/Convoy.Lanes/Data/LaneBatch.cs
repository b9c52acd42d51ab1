using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Convoy.Training.Loading;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Lanes.Data;

/// <summary>
/// A batch of frames. Dispose it after the backward pass: its memory then serves another batch, even if a tensor made from it still refers
/// to it. Its tensors belong to no dispose scope.
/// </summary>
public sealed class LaneBatch : IDisposable
{
    private readonly ResourcePool<BatchBuffer> _pool;
    private readonly Tensor _images;
    private readonly Tensor _masks;
    private BatchBuffer? _buffer;

    internal LaneBatch(BatchBuffer buffer, ResourcePool<BatchBuffer> pool, IReadOnlyList<int> frameIndices, double waitSeconds)
    {
        _buffer = buffer;
        _pool = pool;
        _images = buffer.ImagesView(frameIndices.Count);
        _masks = buffer.MasksView(frameIndices.Count);
        FrameIndices = frameIndices;
        WaitSeconds = waitSeconds;
    }

    /// <summary>The images: <c>[batch, 3, height, width]</c> float32, normalised with ImageNet's statistics.</summary>
    /// <exception cref="ObjectDisposedException">The batch was disposed.</exception>
    public Tensor Images => IfAlive(_images);

    /// <summary>The masks: <c>[batch, height, width]</c> uint8, 1 for lane and 0 for background.</summary>
    /// <exception cref="ObjectDisposedException">The batch was disposed.</exception>
    public Tensor Masks => IfAlive(_masks);

    /// <summary>The index of each frame in the data set, in the batch's order.</summary>
    public IReadOnlyList<int> FrameIndices { get; }

    /// <summary>How long the consumer waited for this batch, in seconds; without workers, the time to prepare it.</summary>
    public double WaitSeconds { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _buffer, null) is { } buffer)
        {
            _images.Dispose();
            _masks.Dispose();
            _pool.Return(buffer);
        }
    }

    private Tensor IfAlive(Tensor tensor)
    {
        ObjectDisposedException.ThrowIf(_buffer is null, this);
        return tensor;
    }
}

/// <summary>
/// The memory of a batch, used again and again: two tensors that worker threads write into directly, each frame at its own place.
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

    /// <summary>Allocates memory for a whole batch; the tensors belong to no dispose scope.</summary>
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

        // Native memory, which stays where it is while the tensors live.
        _imageData = (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(_images.bytes));
        _maskData = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(_masks.bytes));
    }

    /// <summary>Buffers that serve one batch after another.</summary>
    public static ResourcePool<BatchBuffer> Pool(LaneLoaderOptions options) => new(() => new BatchBuffer(options), options.PrefetchBatches + 2);

    /// <summary>A frame's image, 3 floats per pixel.</summary>
    public Span<float> Image(int place) => new(_imageData + ((long)place * _imageFloats), _imageFloats);

    /// <summary>A frame's mask, 1 byte per pixel.</summary>
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
