using Convoy.Training.Loading;
using static TorchSharp.torch;

namespace Convoy.Lanes.Data;

/// <summary>
/// A batch of frames. Dispose it after the backward pass: its memory then serves another batch, also if a tensor made
/// from it still refers to it. Its tensors belong to no dispose scope.
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
