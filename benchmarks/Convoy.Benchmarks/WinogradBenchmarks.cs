using BenchmarkDotNet.Attributes;
using Convoy.Torch.Convolution;
using static TorchSharp.torch;

namespace Convoy.Benchmarks;

/// <summary>The lane detector's 3x3 convolutions of stride 1, 4 images of 800x360 in channels-last memory: forward, and the two gradients.</summary>
public class WinogradBenchmarks
{
    private Tensor _input = null!;
    private Tensor _weight = null!;
    private Tensor _narrowWeight = null!;
    private Tensor _gradient = null!;
    private Tensor _output = null!;

    /// <summary>Input channels, output channels, height and width: the encoder's four stages, then the decoder's three.</summary>
    [Params("64-64x90x200", "128-128x45x100", "256-256x23x50", "512-512x12x25", "384-128x23x50", "256-64x45x100", "128-64x90x200")]
    public string Shape { get; set; } = string.Empty;

    /// <summary>The images' type.</summary>
    [Params(ScalarType.Float32, ScalarType.BFloat16)]
    public ScalarType Dtype { get; set; }

    /// <summary>Makes images, weights and the output's gradient.</summary>
    [GlobalSetup]
    public void Fill()
    {
        using var scope = NewDisposeScope();
        var seeded = new Generator(0);
        long[] sizes = [.. Shape.Split('-', 'x').Select(long.Parse)];
        Tensor Last(ScalarType dtype, params long[] shape) => randn(shape, generator: seeded).to(dtype).permute(0, 3, 1, 2).DetachFromDisposeScope();
        _input = Last(Dtype, 4, sizes[2], sizes[3], sizes[0]);
        _gradient = Last(Dtype, 4, sizes[2], sizes[3], sizes[1]);
        _weight = Last(ScalarType.Float32, sizes[1], 3, 3, sizes[0]);
        _narrowWeight = _weight.to(Dtype, copy: true).DetachFromDisposeScope().requires_grad_();
        _input.requires_grad_();
        _output = Convolve().DetachFromDisposeScope();
    }

    /// <summary>Frees them.</summary>
    [GlobalCleanup]
    public void Free()
    {
        _input.Dispose();
        _gradient.Dispose();
        _weight.Dispose();
        _narrowWeight.Dispose();
        _output.Dispose();
    }

    /// <summary>libtorch's convolution, forward.</summary>
    [Benchmark(Baseline = true)]
    public void Plain()
    {
        using IDisposable noGradient = no_grad();
        Convolve().Dispose();
    }

    /// <summary>Convoy's kernel, forward.</summary>
    [Benchmark]
    public void Winograd() => WinogradConvolution.Convolve(_input, _weight).Dispose();

    /// <summary>libtorch's convolution, the input's gradient.</summary>
    [Benchmark]
    public void PlainInputGradient() => autograd.grad([_output], [_input], [_gradient], retain_graph: true)[0].Dispose();

    /// <summary>Convoy's kernel, the input's gradient.</summary>
    [Benchmark]
    public void WinogradInputGradient() => WinogradConvolution.InputGradient(_gradient, _weight).Dispose();

    /// <summary>libtorch's convolution, the weights' gradient.</summary>
    [Benchmark]
    public void PlainWeightGradient() => autograd.grad([_output], [_narrowWeight], [_gradient], retain_graph: true)[0].Dispose();

    /// <summary>Convoy's kernel, the weights' gradient.</summary>
    [Benchmark]
    public void WinogradWeightGradient() => WinogradConvolution.WeightGradient(_input, _gradient).Dispose();

    private Tensor Convolve() => nn.functional.conv2d(_input, _narrowWeight, strides: [1, 1], padding: [1, 1]);
}
