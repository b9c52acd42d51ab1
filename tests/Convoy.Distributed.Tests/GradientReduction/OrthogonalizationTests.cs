using Convoy.Distributed.GradientReduction;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.GradientReduction;

public sealed class OrthogonalizationTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(ScalarType.Float32, 1e-6)]
    [InlineData(ScalarType.Float64, 1e-14)]
    public void Apply_IndependentColumns_AreOrthonormalAndSpanTheSame(ScalarType type, double tolerance)
    {
        using var generator = new Generator(1);
        Tensor matrix = randn([30, 5], type, generator: generator), result = matrix.clone();
        Orthogonalization.Apply(result, 0);
        Assert.True(Largest(result.t().matmul(result) - eye(5, dtype: type)) < tolerance);
        Assert.True(Largest(result.matmul(result.t().matmul(matrix)) - matrix) < 10 * tolerance);
    }

    [Fact]
    public void Apply_NearlyDependentColumns_AreOrthogonalToRounding()
    {
        // Läuchli's matrix, on which Gram and Schmidt's procedure fails when it runs once.
        Tensor matrix = zeros([4, 3], float64);
        matrix[0] = tensor(1.0);
        for (int i = 0; i < 3; i++)
        {
            matrix[i + 1, i] = tensor(1e-9);
        }

        Orthogonalization.Apply(matrix, 0);
        Assert.True(Largest(matrix.t().matmul(matrix) - eye(3, dtype: float64)) < 1e-14);
    }

    [Fact]
    public void Apply_DependentAndZeroColumns_BecomeZeroOrAreReplaced()
    {
        Tensor matrix = tensor(new float[,] { { 1, 2, 0 }, { 2, 4, 0 }, { 2, 4, 0 } }), replaced = matrix.clone();
        Orthogonalization.Apply(matrix, 0);
        Assert.True(Largest(matrix - tensor(new float[,] { { 1, 0, 0 }, { 2, 0, 0 }, { 2, 0, 0 } }) / 3) < 1e-6);

        var columns = new Queue<double[]>([[1, 0, 0], [0, 1, 0]]);
        Orthogonalization.Apply(replaced, 0, columns.Dequeue);
        Assert.True(Largest(replaced.t().matmul(replaced) - eye(3)) < 1e-6);
    }

    [Fact]
    public void Apply_Epsilon_IsAddedToTheLength()
    {
        Tensor matrix = tensor(new double[,] { { 3 }, { 4 } });
        Orthogonalization.Apply(matrix, 5);
        Assert.True(Largest(matrix - tensor(new double[,] { { 0.3 }, { 0.4 } })) < 1e-15);
    }

    [Fact]
    public void Apply_NotANumber_StaysSo()
    {
        Tensor matrix = tensor(new float[,] { { 1, 1 }, { float.NaN, 2 } });
        Orthogonalization.Apply(matrix, 0);
        Assert.True(matrix.isnan().all().item<bool>());
    }

    private static double Largest(Tensor tensor) => tensor.abs().max().to(float64).item<double>();
}
