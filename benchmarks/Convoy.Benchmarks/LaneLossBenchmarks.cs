using BenchmarkDotNet.Attributes;
using Convoy.Lanes.Losses;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Benchmarks;

/// <summary>From the logits at stride 4 to the loss of 4 images of 800x360, and back to the logits' gradient.</summary>
public class LaneLossBenchmarks
{
    private readonly LaneLoss _plain = new();
    private readonly LaneLoss _fused = new(fused: true);
    private Tensor _logits = null!;
    private Tensor _masks = null!;

    /// <summary>The logits' type.</summary>
    [Params(ScalarType.Float32, ScalarType.BFloat16)]
    public ScalarType Dtype { get; set; }

    /// <summary>Makes logits in channels-last memory, and masks.</summary>
    [GlobalSetup]
    public void Fill()
    {
        using var scope = NewDisposeScope();
        var seeded = new Generator(0);
        _logits = (randn([4, 90, 200, 2], generator: seeded) * 3).to(Dtype).permute(0, 3, 1, 2).DetachFromDisposeScope().requires_grad_();
        _masks = rand([4, 360, 800], generator: seeded).lt(0.05).to(ScalarType.Byte).DetachFromDisposeScope();
    }

    /// <summary>Frees them.</summary>
    [GlobalCleanup]
    public void Free()
    {
        _logits.Dispose();
        _masks.Dispose();
        _plain.Dispose();
        _fused.Dispose();
    }

    /// <summary>Both logits brought to the images' size, then the loss, by libtorch's operations.</summary>
    [Benchmark(Baseline = true)]
    public void Plain()
    {
        using var scope = NewDisposeScope();
        Tensor larger = nn.functional.interpolate(_logits, _masks.shape[1..], mode: InterpolationMode.Bilinear, align_corners: false);
        _plain.call(larger, _masks).backward();
        _logits.grad!.zero_();
    }

    /// <summary>One kernel.</summary>
    [Benchmark]
    public void Fused()
    {
        using var scope = NewDisposeScope();
        _fused.call(_logits, _masks).backward();
        _logits.grad!.zero_();
    }
}
