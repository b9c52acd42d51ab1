using Convoy.Distributed.Backends.Single;
using Convoy.Distributed.Optim;
using Convoy.Torch.Optim;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.Optim;

public sealed class ZeroRedundancyOptimizerTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly ProcessGroupSingle _group = new();

    public void Dispose()
    {
        _group.Dispose();
        _scope.Dispose();
    }

    // The largest first, each to the rank that has least so far, the first of several.
    [Theory]
    [InlineData(new long[] { 1, 2, 3, 4, 5 }, 2, new[] { 0, 0, 1, 1, 0 })]
    [InlineData(new long[] { 4, 4, 4 }, 3, new[] { 0, 1, 2 })]
    [InlineData(new long[] { 9 }, 3, new[] { 0 })]
    [InlineData(new long[] { 1, 10, 1, 1 }, 2, new[] { 1, 0, 1, 1 })]
    public void Assign_Sizes_GoesToTheRankThatHasLeast(long[] sizes, int ranks, int[] expected) => Assert.Equal(expected, ParameterPartition.Assign(sizes, ranks));

    [Fact]
    public void Constructor_NoParametersOrOneTwice_Throws()
    {
        var parameter = new Parameter(ones(2));
        Assert.Throws<ArgumentException>(() => new ZeroRedundancyOptimizer([], _group, p => optim.SGD(p, 0.1)));
        Assert.Throws<ArgumentException>(() => new ZeroRedundancyOptimizer([parameter, parameter], _group, p => optim.SGD(p, 0.1)));
    }

    [Fact]
    public void Constructor_OptimizerThatClipsByItsPart_Throws() => Assert.StartsWith(
        "the optimizer clips to 0.5 by the norm of one rank's parameters.",
        Assert.Throws<ArgumentException>("make", () => new ZeroRedundancyOptimizer([new Parameter(ones(2))], _group, p => new FusedAdamW(p) { MaxNorm = 0.5 })).Message,
        StringComparison.Ordinal);

    [Fact]
    public void Constructor_ParametersOfSeveralTypesAndStrides_KeepValuesAndStrides()
    {
        Tensor channelsLast = randn(2, 3, 4, 5).permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
        Parameter[] parameters = [new(channelsLast), new(randn(3, dtype: float64)), new(randn(5)), new(randn(2, 2, dtype: bfloat16))];
        Tensor[] values = [.. parameters.Select(p => p.detach().clone())];
        long[][] strides = [.. parameters.Select(p => p.stride())];
        using var optimizer = new ZeroRedundancyOptimizer(parameters, _group, p => optim.SGD(p, 0.1));
        Assert.Equal(strides, parameters.Select(p => p.stride()));
        Assert.All(parameters.Zip(values), pair => Assert.True(pair.First.eq(pair.Second).all().item<bool>()));
        Assert.All(parameters, p => Assert.True(p.requires_grad && p.is_leaf));
    }

    [Fact]
    public void Step_Closure_RunsFirstAndGivesTheLoss()
    {
        var parameter = new Parameter(ones(2));
        using var optimizer = new ZeroRedundancyOptimizer([parameter], _group, p => optim.SGD(p, 0.5));
        using Tensor loss = optimizer.step(() =>
        {
            Tensor sum = (parameter * 3).sum();
            sum.backward();
            return sum;
        });
        Assert.Equal(6, loss.item<float>());
        Assert.Equal([-0.5f, -0.5f], parameter.data<float>().ToArray());
        Assert.Throws<NotSupportedException>(() => optimizer.add_param_group(null!));
        Assert.Throws<ArgumentException>(() => optimizer.LoadState(null));
    }
}
