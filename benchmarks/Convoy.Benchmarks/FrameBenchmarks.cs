using BenchmarkDotNet.Attributes;
using Convoy.Lanes.Data;
using Convoy.Training.Loading;

namespace Convoy.Benchmarks;

/// <summary>A frame on its way into the batch, on one thread: from a 1280x720 JPEG and from the frame cache, to 800x360.</summary>
public class FrameBenchmarks
{
    private const int Frames = 16;
    private DrawnFrames _frames = null!;
    private FrameCache? _cache;
    private FrameAssembler _assembler = null!;
    private BatchBuffer _buffer = null!;
    private int _next;

    /// <summary>Whether frames come from the frame cache.</summary>
    [Params(false, true)]
    public bool Cached { get; set; }

    /// <summary>Whether frames are changed at random, with the default ranges.</summary>
    [Params(false, true)]
    public bool Augmented { get; set; }

    /// <summary>Draws the frames and builds the cache.</summary>
    [GlobalSetup]
    public void Prepare()
    {
        _frames = new DrawnFrames(Frames);
        var options = new LaneLoaderOptions
        {
            ImageSize = ImageSize.Network,
            Augmentation = Augmented ? AugmentationOptions.Default : AugmentationOptions.None,
            ChannelsLast = true,
        };
        _cache = Cached
            ? FrameCache.OpenOrBuild(_frames.CacheFolder, _frames.Dataset, options.ImageSize, workers: 1, TimeProvider.System, CancellationToken.None)
            : null;
        _assembler = new FrameAssembler(_frames.Dataset, options, _cache);
        _buffer = new BatchBuffer(options with { BatchSize = 1 });
    }

    /// <summary>Frees everything.</summary>
    [GlobalCleanup]
    public void Free()
    {
        _assembler.Dispose();
        _buffer.Dispose();
        _cache?.Dispose();
        _frames.Dispose();
    }

    /// <summary>Image and mask of the next frame; the epoch changes, and with it the augmentation.</summary>
    [Benchmark]
    public void Assemble()
    {
        _assembler.Assemble(new SampleContext(_next % Frames, Epoch: _next / Frames, Seed: 0), _buffer.Image(0), _buffer.Mask(0));
        _next++;
    }
}
