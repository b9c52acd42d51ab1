using Convoy.Training.Loading;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Lanes.Data;

/// <summary>
/// The same batch again and again, without any work: shows what a training step costs when data costs nothing. Images are normally
/// distributed, as normalised ones nearly are; the masks hold vertical lanes.
/// </summary>
public static class SyntheticLaneBatches
{
    private const int Lanes = 4;

    /// <summary>Makes the batch and a source that repeats it.</summary>
    /// <param name="options">Image size, batch size and memory order; the rest is ignored.</param>
    /// <param name="frameCount">How many frames to report; at least 1.</param>
    /// <param name="seed">The seed of the images.</param>
    /// <exception cref="BadInputException">An option is out of range.</exception>
    public static IBatchSource<LaneBatch> Create(LaneLoaderOptions options, int frameCount, long seed)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        ResourcePool<BatchBuffer> buffers = BatchBuffer.Pool(options);
        Fill(buffers, options, seed);
        return new SyntheticBatches<LaneBatch>(frameCount, options.BatchSize, frames => new LaneBatch(buffers.Rent(), buffers, frames, waitSeconds: 0), buffers);
    }

    private static void Fill(ResourcePool<BatchBuffer> buffers, LaneLoaderOptions options, long seed)
    {
        // The pool gives the buffer that came back last, and with it what is written here.
        using var batch = new LaneBatch(buffers.Rent(), buffers, new int[options.BatchSize], waitSeconds: 0);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGradient = no_grad();
        batch.Images.normal_(generator: new Generator((ulong)seed));
        batch.Masks.zero_();
        ImageSize size = options.ImageSize;
        int width = Math.Max(1, (int)Math.Round(MaskPainter.DefaultLineWidth(size)));
        for (int lane = 1; lane <= Lanes; lane++)
        {
            int left = Math.Min(lane * size.Width / (Lanes + 1), size.Width - width);
            batch.Masks.narrow(2, Math.Max(0, left), Math.Min(width, size.Width)).fill_(1);
        }
    }
}
