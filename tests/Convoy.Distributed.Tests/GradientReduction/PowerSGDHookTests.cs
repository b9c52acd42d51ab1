using Convoy.Distributed.GradientReduction;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.GradientReduction;

public sealed class PowerSGDHookTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Constructor_OptionOutOfRange_Throws()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new PowerSGDHook(new PowerSGDOptions { MatrixApproximationRank = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PowerSGDHook(new PowerSGDOptions { StartPowerSGDIteration = -1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PowerSGDHook(new PowerSGDOptions { MinCompressionRate = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PowerSGDHook(new PowerSGDOptions { OrthogonalizationEpsilon = -1e-8 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PowerSGDHook(new PowerSGDOptions { CommunicationType = ScalarType.Float64 }));
    }

    // PyTorch's _should_compress: (rows + columns) * rank * min_compression_rate < rows * columns.
    [Theory]
    [InlineData(new long[] { 100, 10, 3, 3 }, 1, 2, 1)]
    [InlineData(new long[] { 100, 90 }, 23, 2, 23)]
    [InlineData(new long[] { 100, 90 }, 24, 2, 0)]
    [InlineData(new long[] { 4, 4 }, 1, 2, 0)]
    [InlineData(new long[] { 3, 1000 }, 8, 0.5, 3)]
    [InlineData(new long[] { 1000 }, 1, 2, 0)]
    [InlineData(new long[] { 0, 8 }, 1, 2, 0)]
    public void RankFor_Shape_FollowsPyTorch(long[] shape, int rank, double rate, long expected) =>
        Assert.Equal(expected, LowRankGradient.RankFor(new Parameter(zeros(shape)), new PowerSGDOptions { MatrixApproximationRank = rank, MinCompressionRate = rate }));

    [Fact]
    public void LoadStateDict_OfAnotherModelOrOptions_ChangesNothing()
    {
        using var hook = new PowerSGDHook(new PowerSGDOptions { MatrixApproximationRank = 2 });
        (string, Parameter)[] parameters = [("w", new Parameter(zeros(20, 30)))];
        Dictionary<string, Tensor> state = new() { ["iteration"] = tensor(7L), ["w.error"] = ones(20, 30), ["w.right"] = ones(30, 2) };
        hook.LoadStateDict(state, parameters);
        Assert.Equal(7, hook.Iteration);
        Assert.Equal(["iteration", "w.error", "w.right"], hook.StateDict(parameters).Keys.Order(StringComparer.Ordinal));

        state["iteration"] = tensor(8L);
        state["w.right"] = ones(30, 1);
        Assert.StartsWith("the state's 'w.right' has the shape [30, 1], but this hook needs [30, 2].", Assert.Throws<ArgumentException>(() => hook.LoadStateDict(state, parameters)).Message, StringComparison.Ordinal);
        state.Remove("w.right");
        state["v.error"] = ones(1);
        Assert.Contains("it has 'v.error'", Assert.Throws<ArgumentException>(() => hook.LoadStateDict(state, parameters)).Message, StringComparison.Ordinal);
        Assert.Equal(7, hook.Iteration);
    }
}
