using BenchmarkDotNet.Attributes;
using Convoy.Torch.Normalization;
using static TorchSharp.torch;

namespace Convoy.Benchmarks;

/// <summary>The passes of batch norm, alone and with ReLU, beside libtorch's sum of two tensors, whose memory traffic is that of a gradient's pass.</summary>
public class ChannelPassBenchmarks : ChannelBenchmarks
{
    private Tensor _result = null!;
    private ChannelConstants _constants = null!;

    /// <inheritdoc/>
    public override void Fill()
    {
        base.Fill();
        _result = empty_like(X);
        _constants = new ChannelConstants(Numbers(0.1)) { Scale = Numbers(1.5), Bias = Numbers(0.5), Slope = Numbers(0.25), Intercept = Numbers(-0.25) };
    }

    /// <inheritdoc/>
    public override void Free()
    {
        _result.Dispose();
        base.Free();
    }

    /// <summary>The statistics: reads one tensor.</summary>
    [Benchmark]
    public double Statistics() => ChannelPass.Run<Moments>(new ChannelOperands(X), Layout, _constants, threads: 1)[0];

    /// <summary>Batch norm and ReLU: reads one tensor, writes one.</summary>
    [Benchmark]
    public void Relu() => ChannelPass.Run<NormalizeRelu>(new ChannelOperands(X, Result: _result), Layout, _constants, threads: 1);

    /// <summary>The sums of the backward pass behind ReLU: reads two tensors.</summary>
    [Benchmark]
    public double BackwardSums() => ChannelPass.Run<ReluGradientSums>(new ChannelOperands(X, Dy), Layout, _constants, threads: 1)[0];

    /// <summary>The input's gradient behind ReLU: reads two tensors, writes one.</summary>
    [Benchmark]
    public void BackwardInput() => ChannelPass.Run<ReluInputGradient>(new ChannelOperands(X, Dy, Result: _result), Layout, _constants, threads: 1);

    /// <summary>Reads two tensors, writes one, with next to no arithmetic.</summary>
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
