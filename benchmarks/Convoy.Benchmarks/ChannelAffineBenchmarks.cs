using BenchmarkDotNet.Attributes;
using Convoy.Distributed.Nn.Normalization;
using static TorchSharp.torch;

namespace Convoy.Benchmarks;

/// <summary>Batch norm's gradient of the input from the sums, beside a copy of the same memory by libtorch.</summary>
public class ChannelAffineBenchmarks : ChannelBenchmarks
{
    private Tensor _result = null!;
    private double[] _shift = [], _a = [], _b = [], _c = [];

    /// <inheritdoc/>
    public override void Fill()
    {
        base.Fill();
        _result = empty_like(X);
        (_shift, _a, _b, _c) = (Numbers(0.1), Numbers(1.5), Numbers(0.5), Numbers(-0.25));
    }

    /// <inheritdoc/>
    public override void Free()
    {
        _result.Dispose();
        base.Free();
    }

    /// <summary>Reads two tensors and writes one.</summary>
    [Benchmark]
    public void Affine() => ChannelAffine.Compute(X, Dy, _result, Layout, _shift, _a, _b, _c, threads: 1);

    /// <summary>libtorch's sum of two tensors: the same memory traffic with next to no arithmetic.</summary>
    [Benchmark(Baseline = true)]
    public void AddByLibtorch()
    {
        using Tensor sum = X.add(Dy);
    }

    private double[] Numbers(double value)
    {
        double[] numbers = new double[Layout.Channels];
        Array.Fill(numbers, value);
        return numbers;
    }
}
