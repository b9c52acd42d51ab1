using BenchmarkDotNet.Attributes;
using Convoy.Lanes.Data;

namespace Convoy.Benchmarks;

/// <summary>The steps that a decoded 800x360 image goes through, on one thread.</summary>
public class PixelBenchmarks
{
    private static readonly ImageSize Size = ImageSize.Network;
    private static readonly Augmentation Moved = Augmentation.None with { Flip = true, RotateDegrees = 3, Scale = 1.05, ShiftX = 0.03 };
    private static readonly Augmentation Coloured = Augmentation.None with { Brightness = 1.2, Contrast = 0.9, HueDegrees = 5 };
    private static readonly Augmentation Blurred = Augmentation.None with { BlurSigma = 1 };

    private readonly PixelBuffer _pixels = new();
    private readonly float[] _floats = new float[3 * Size.Width * Size.Height];
    private ImageAugmenter _augmenter = null!;

    /// <summary>Fills the image from a fixed seed.</summary>
    [GlobalSetup]
    public void Fill()
    {
        _pixels.Resize(Size);
        new Random(0).NextBytes(_pixels.Bytes);
        _augmenter = new ImageAugmenter(Size);
    }

    /// <summary>Frees the memory.</summary>
    [GlobalCleanup]
    public void Free()
    {
        _augmenter.Dispose();
        _pixels.Dispose();
    }

    /// <summary>Flip, rotation, scale and shift, bilinear.</summary>
    [Benchmark]
    public nint Warp() => _augmenter.Apply(_pixels.Address, Moved);

    /// <summary>Brightness, contrast and hue.</summary>
    [Benchmark]
    public nint Colours() => _augmenter.Apply(_pixels.Address, Coloured);

    /// <summary>A blur with a standard deviation of one pixel.</summary>
    [Benchmark]
    public nint Blur() => _augmenter.Apply(_pixels.Address, Blurred);

    /// <summary>To float32 with channels innermost.</summary>
    [Benchmark]
    public void NormalizeChannelsLast() => ImageNetNormalization.ToInterleaved(_pixels.Bytes, _floats);

    /// <summary>To float32 in three planes.</summary>
    [Benchmark]
    public void NormalizePlanes() => ImageNetNormalization.ToPlanes(_pixels.Bytes, _floats);
}
