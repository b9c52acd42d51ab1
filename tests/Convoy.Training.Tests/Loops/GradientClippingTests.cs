using Convoy.Training.Loops;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Training.Tests.Loops;

public sealed class GradientClippingTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(2.0, 13.0)]
    [InlineData(1.0, 19.0)]
    [InlineData(double.PositiveInfinity, 12.0)]
    public void ClipNorm_AboveTheLargest_ScalesAllGradients(double normType, double norm)
    {
        // The vector (3, 4, -12): 13 by Euclid.
        Parameter[] parameters = [With(3, 4), With(-12), new Parameter(zeros(2))];

        Assert.Equal(norm, GradientClipping.ClipNorm(parameters, norm / 2, normType), 1e-12);

        Assert.Equal([1.5, 2], parameters[0].grad!.data<double>().ToArray(), (a, b) => Math.Abs(a - b) < 1e-6);
        Assert.Equal(-6, parameters[1].grad![0].item<double>(), 1e-6);
        Assert.Null(parameters[2].grad);
    }

    [Fact]
    public void ClipNorm_BelowTheLargest_LeavesThemBitForBit()
    {
        Parameter parameter = With(3, 4);

        Assert.Equal(5, GradientClipping.ClipNorm([parameter], 5.1), 1e-12);

        Assert.Equal([3.0, 4.0], parameter.grad!.data<double>().ToArray());
    }

    [Fact]
    public void ClipNorm_TiedWeight_CountsOnce()
    {
        var first = nn.Linear(1, 1, hasBias: false, dtype: ScalarType.Float64);
        var second = nn.Linear(1, 1, hasBias: false, dtype: ScalarType.Float64);
        second.weight = first.weight;
        first.weight!.grad = tensor(4.0).reshape(1, 1);
        Parameter[] parameters = [.. first.parameters(), .. second.parameters()];
        Assert.Equal(2, parameters.Length);

        Assert.Equal(4, GradientClipping.ClipNorm(parameters, 2), 1e-12);

        Assert.Equal(2, first.weight.grad![0, 0].item<double>(), 1e-6);
    }

    [Fact]
    public void ClipNorm_OneIsNotANumber_SaysSo()
    {
        Parameter parameter = With(3, double.NaN);

        Assert.True(double.IsNaN(GradientClipping.ClipNorm([parameter], 1)));

        Assert.True(double.IsNaN(parameter.grad![0].item<double>()));
    }

    [Fact]
    public void ClipNorm_NoGradient_IsZero() => Assert.Equal(0, GradientClipping.ClipNorm([new Parameter(zeros(2))], 1));

    [Theory]
    [InlineData(0, 2)]
    [InlineData(1, 0)]
    public void ClipNorm_BadNumbers_AreRefused(double maxNorm, double normType) => Assert.Throws<ArgumentOutOfRangeException>(() => GradientClipping.ClipNorm([], maxNorm, normType));

    private static Parameter With(params double[] gradient) => new(zeros(gradient.Length, ScalarType.Float64)) { grad = tensor(gradient) };
}
