using BenchmarkDotNet.Attributes;
using Convoy.Torch.Interpolation;
using Convoy.Torch.Nn;
using static TorchSharp.torch;

namespace Convoy.Benchmarks;

/// <summary>The decoder's step up and concatenation of 4 images of 800x360 in channels-last memory, forward and backward.</summary>
public class UpsampleConcatBenchmarks
{
    private readonly UpsampleConcat _plain = new();
    private readonly FusedUpsampleConcat _fused = new();
    private Tensor _deep = null!;
    private Tensor _skip = null!;
    private Tensor _gradient = null!;

    /// <summary>Channels, height and width of the deeper and of the finer features: to stride 16, 8 and 4.</summary>
    [Params("128x12x25 256x23x50", "128x23x50 128x45x100", "64x45x100 64x90x200")]
    public string Shapes { get; set; } = string.Empty;

    /// <summary>The features' type.</summary>
    [Params(ScalarType.Float32, ScalarType.BFloat16)]
    public ScalarType Dtype { get; set; }

    /// <summary>Makes features and the output's gradient.</summary>
    [GlobalSetup]
    public void Fill()
    {
        using var scope = NewDisposeScope();
        var seeded = new Generator(0);
        Tensor Features(string shape)
        {
            long[] sizes = [.. shape.Split('x').Select(long.Parse)];
            return randn([4, sizes[1], sizes[2], sizes[0]], generator: seeded).to(Dtype).permute(0, 3, 1, 2).DetachFromDisposeScope();
        }

        string[] shapes = Shapes.Split(' ');
        (_deep, _skip) = (Features(shapes[0]).requires_grad_(), Features(shapes[1]).requires_grad_());
        string[] skip = shapes[1].Split('x');
        _gradient = Features($"{_deep.shape[1] + _skip.shape[1]}x{skip[1]}x{skip[2]}");
    }

    /// <summary>Frees them.</summary>
    [GlobalCleanup]
    public void Free()
    {
        _deep.Dispose();
        _skip.Dispose();
        _gradient.Dispose();
        _plain.Dispose();
        _fused.Dispose();
    }

    /// <summary>By libtorch's operations.</summary>
    [Benchmark(Baseline = true)]
    public void Plain() => ForwardAndBackward(_plain.call(_deep, _skip));

    /// <summary>One kernel each way.</summary>
    [Benchmark]
    public void Fused() => ForwardAndBackward(_fused.call(_deep, _skip));

    // Gradients by autograd.grad: they are not added to others, as they are not in a network either.
    private void ForwardAndBackward(Tensor joined)
    {
        using (joined)
        {
            foreach (Tensor gradient in autograd.grad([joined], [_deep, _skip], [_gradient]))
            {
                gradient.Dispose();
            }
        }
    }
}
