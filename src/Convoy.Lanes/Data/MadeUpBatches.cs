using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Lanes.Data;

/// <summary>
/// The same made-up batch again and again, ready at once: what a training step costs when data costs nothing. Images are normally distributed,
/// as normalised ones nearly are; the masks hold upright lanes.
/// </summary>
public sealed class MadeUpBatches : ILaneBatchSource
{
    private const int Lanes = 4;

    private readonly BatchBufferPool _buffers;
    private readonly int _batchSize;

    /// <summary>Makes the batch.</summary>
    /// <param name="options">Of which image size, batch size and memory order count.</param>
    /// <param name="frameCount">How many frames there seem to be; at least 1.</param>
    /// <param name="seed">The seed of the images.</param>
    /// <exception cref="BadInputException">An option is out of range.</exception>
    public MadeUpBatches(LaneLoaderOptions options, int frameCount, long seed)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(frameCount);
        options.Validate();
        FrameCount = frameCount;
        _batchSize = options.BatchSize;
        _buffers = new BatchBufferPool(options);
        Fill(options.ImageSize, seed);
    }

    /// <inheritdoc/>
    public int FrameCount { get; }

    /// <inheritdoc/>
    public IEnumerable<LaneBatch> Epoch(IReadOnlyList<int> frameIndices, int epoch, int skipBatches = 0, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(frameIndices);
        ArgumentOutOfRangeException.ThrowIfNegative(skipBatches);
        return Batches(frameIndices, skipBatches, cancellation);
    }

    /// <inheritdoc/>
    public void Dispose() => _buffers.Dispose();

    private IEnumerable<LaneBatch> Batches(IReadOnlyList<int> frameIndices, int skipBatches, CancellationToken cancellation)
    {
        foreach (int[] frames in frameIndices.Chunk(_batchSize).Skip(skipBatches).Where(frames => frames.Length == _batchSize))
        {
            cancellation.ThrowIfCancellationRequested();
            yield return new LaneBatch(_buffers.Rent(), _buffers, frames, waitSeconds: 0);
        }
    }

    private void Fill(ImageSize size, long seed)
    {
        // The pool gives the buffer that came back last, and with it what is written here.
        using var batch = new LaneBatch(_buffers.Rent(), _buffers, new int[_batchSize], waitSeconds: 0);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGradient = no_grad();
        batch.Images.normal_(generator: new Generator((ulong)seed));
        batch.Masks.zero_();
        int width = Math.Max(1, (int)Math.Round(MaskPainter.DefaultLineWidth(size)));
        for (int lane = 1; lane <= Lanes; lane++)
        {
            int left = Math.Min(lane * size.Width / (Lanes + 1), size.Width - width);
            batch.Masks.narrow(2, Math.Max(0, left), Math.Min(width, size.Width)).fill_(1);
        }
    }
}
