using Convoy.Distributed.Backends.Single;
using Convoy.Distributed.Nn;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.Nn;

/// <summary>The fused operations of one process against libtorch's single ones: outputs, all gradients, running statistics.</summary>
public sealed class SyncBatchNormFusedTests
{
    public static TheoryData<ScalarType, long, long, long, bool> Cases()
    {
        var cases = new TheoryData<ScalarType, long, long, long, bool>();
        foreach (ScalarType type in (ScalarType[])[ScalarType.Float64, ScalarType.Float32, ScalarType.BFloat16])
        {
            foreach ((long channels, long height, long width) in ((long, long, long)[])[(64, 6, 8), (35, 7, 9), (3, 1, 5), (16, 2, 1)])
            {
                cases.Add(type, channels, height, width, true);
                cases.Add(type, channels, height, width, false);
            }
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void NormalizeRelu_AnyLayout_AgreesWithTheSingleOperations(ScalarType type, long channels, long height, long width, bool channelsLast)
    {
        Compare(type, [3, channels, height, width], channelsLast, residual: false, (norm, x, _) => norm.NormalizeRelu(x), (norm, x, _) => norm.call(x).relu());
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void NormalizeRelu_WithResidual_AgreesWithTheSingleOperations(ScalarType type, long channels, long height, long width, bool channelsLast)
    {
        Compare(type, [3, channels, height, width], channelsLast, residual: true, (norm, x, r) => norm.NormalizeRelu(x, r), (norm, x, r) => (norm.call(x) + r!).relu());
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void NormalizeReluMaxPool_AnyLayout_AgreesWithTheSingleOperations(ScalarType type, long channels, long height, long width, bool channelsLast)
    {
        Compare(
            type,
            [3, channels, height, width],
            channelsLast,
            residual: false,
            (norm, x, _) => norm.NormalizeReluMaxPool(x),
            (norm, x, _) => nn.functional.max_pool2d(norm.call(x).relu(), 3, 2, 1));
    }

    [Fact]
    public void NormalizeRelu_Evaluation_UsesTheRunningStatistics()
    {
        using var scope = NewDisposeScope();
        using var group = new ProcessGroupSingle();
        using SyncBatchNorm norm = Norm(8, group);
        Tensor x = randn(2, 8, 4, 4);
        norm.eval();
        Assert.True(norm.NormalizeRelu(x, x).equal((norm.call(x) + x).relu()).all().item<bool>());
        Assert.True(norm.NormalizeReluMaxPool(x).equal(nn.functional.max_pool2d(norm.call(x).relu(), 3, 2, 1)).all().item<bool>());
    }

    [Fact]
    public void NormalizeRelu_CreateGraph_CanBeDifferentiatedAgain()
    {
        using var scope = NewDisposeScope();
        using var group = new ProcessGroupSingle();
        double[] Penalty(Func<SyncBatchNorm, Tensor, Tensor> layer)
        {
            using SyncBatchNorm norm = Norm(4, group, float64);
            manual_seed(5);
            Tensor x = randn([3, 4, 5, 5], float64).requires_grad_();
            Tensor gradient = autograd.grad([layer(norm, x).square().sum()], [x], retain_graph: true, create_graph: true)[0];
            gradient.square().sum().backward();
            return x.grad!.data<double>().ToArray();
        }

        double[] expected = Penalty((norm, x) => norm.call(x).relu());
        Assert.All(Penalty((norm, x) => norm.NormalizeRelu(x)).Zip(expected), pair => Assert.Equal(pair.Second, pair.First, 1e-9));
    }

    [Fact]
    public void NormalizeRelu_ResidualOfAnotherShape_IsRefused()
    {
        using var scope = NewDisposeScope();
        using var group = new ProcessGroupSingle();
        using SyncBatchNorm norm = Norm(4, group);
        Assert.Contains("residual [2, 4, 1, 1]", Assert.Throws<ArgumentException>(() => norm.NormalizeRelu(ones(2, 4, 3, 3), ones(2, 4, 1, 1))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fused_ManySteps_KeepLiveTensorsFlat()
    {
        using var group = new ProcessGroupSingle();
        using SyncBatchNorm norm = Norm(16, group);
        long After(int steps)
        {
            for (int i = 0; i < steps; i++)
            {
                using var scope = NewDisposeScope();
                Tensor x = randn(2, 8, 8, 16).permute(0, 3, 1, 2).requires_grad_();
                norm.NormalizeRelu(norm.NormalizeRelu(x), x).sum().backward();
                norm.NormalizeReluMaxPool(x).sum().backward();
            }

            return DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        }

        long early = After(3);
        Assert.Equal(early, After(20));
    }

    private static SyncBatchNorm Norm(long channels, ProcessGroup group, ScalarType type = ScalarType.Float32)
    {
        using var noGradient = no_grad();
        var norm = new SyncBatchNorm(channels, group, dtype: type);
        manual_seed(3);
        norm.get_parameter("weight")!.copy_(randn(channels) + 1); // also weights below 0
        norm.get_parameter("bias")!.copy_(randn(channels));
        return norm;
    }

    private static void Compare(
        ScalarType type, long[] shape, bool channelsLast, bool residual, Func<SyncBatchNorm, Tensor, Tensor?, Tensor> fused, Func<SyncBatchNorm, Tensor, Tensor?, Tensor> plain)
    {
        using var scope = NewDisposeScope();
        using var group = new ProcessGroupSingle();
        ScalarType weights = type == float64 ? float64 : float32;
        manual_seed(1);
        Tensor Features() => channelsLast ? randn([shape[0], shape[2], shape[3], shape[1]], float64).to(type).permute(0, 3, 1, 2) : randn(shape, float64).to(type);
        Tensor input = Features() + 2, other = Features(), upstream = null!;

        List<Tensor> Run(Func<SyncBatchNorm, Tensor, Tensor?, Tensor> layer)
        {
            SyncBatchNorm norm = Norm(shape[1], group, weights);
            Tensor x = input.detach().clone().requires_grad_(), r = other.detach().clone().requires_grad_();
            Tensor output = layer(norm, x, residual ? r : null);
            upstream ??= randn(output.shape, float64).to(type);
            output.backward([upstream]);
            List<Tensor> results = [output.detach(), x.grad!, norm.get_parameter("weight")!.grad!, norm.get_parameter("bias")!.grad!, norm.get_buffer("running_mean")!, norm.get_buffer("running_var")!];
            if (residual)
            {
                results.Add(r.grad!);
            }

            return results;
        }

        // In bfloat16 the single operations round between each other: the truth is what they give in float64 for the same numbers.
        List<Tensor> actual = Run(fused);
        if (type == ScalarType.BFloat16)
        {
            (type, weights) = (float64, float64);
            (input, other, upstream) = (input.to(float64), other.to(float64), upstream.to(float64));
            double tolerance = 0.02;
            AssertClose(Run(plain), actual, tolerance);
            return;
        }

        AssertClose(Run(plain), actual, type == float64 ? 1e-11 : 2e-6);
    }

    private static void AssertClose(List<Tensor> expected, List<Tensor> actual, double tolerance)
    {
        Assert.Equal(expected.Count, actual.Count);
        for (int i = 0; i < expected.Count; i++)
        {
            Assert.Equal(expected[i].shape, actual[i].shape);
            Tensor want = expected[i].to(float64);
            double norm = Math.Max(want.norm().item<double>(), 1e-3), off = (actual[i].to(float64) - want).norm().item<double>();
            Assert.True(off <= tolerance * norm, $"result {i} is off by {off / norm:e1} of its norm, more than {tolerance:e1}");
        }
    }
}
