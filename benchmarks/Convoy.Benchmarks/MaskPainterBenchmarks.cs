using BenchmarkDotNet.Attributes;
using Convoy.Lanes.Data;

namespace Convoy.Benchmarks;

/// <summary>An 800x360 mask of four lanes with 56 rows each, drawn from their points.</summary>
public class MaskPainterBenchmarks
{
    private readonly byte[] _mask = new byte[ImageSize.Network.Width * ImageSize.Network.Height];
    private readonly MaskPainter _painter = new(ImageSize.Network, MaskPainter.DefaultLineWidth(ImageSize.Network));
    private readonly TuSimpleLabel _label = MadeUpLanes.Label("frame", seed: 0);

    /// <summary>Clears the mask and draws the lanes.</summary>
    [Benchmark]
    public void Paint() => _painter.Paint(_label, ImageSize.TuSimple, _mask);

    /// <summary>Frees the painter.</summary>
    [GlobalCleanup]
    public void Free() => _painter.Dispose();
}
