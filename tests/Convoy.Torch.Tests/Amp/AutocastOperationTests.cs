using Convoy.Torch.Amp;
using TorchSharp;
using static TorchSharp.torch.nn.functional;
using static TorchSharp.torch;

namespace Convoy.Torch.Tests.Amp;

/// <summary>Runs operations in a region and looks at the type of what comes out: the table of docs/reference/autocast.md.</summary>
[Collection(nameof(Autocast))] // One after the other: the end of a region clears the casts that all threads share.
public sealed class AutocastOperationTests : IDisposable
{
    private static readonly Dictionary<string, Func<ScalarType, Tensor>> Narrow = new()
    {
        ["conv1d"] = t => conv1d(Of(t, 1, 2, 8), Of(t, 3, 2, 3)),
        ["conv2d"] = t => conv2d(Of(t, 1, 2, 8, 8), Of(t, 3, 2, 3, 3)),
        ["conv3d"] = t => conv3d(Of(t, 1, 2, 4, 4, 4), Of(t, 3, 2, 3, 3, 3)),
        ["conv_transpose1d"] = t => conv_transpose1d(Of(t, 1, 2, 8), Of(t, 2, 3, 3)),
        ["conv_transpose2d"] = t => conv_transpose2d(Of(t, 1, 2, 8, 8), Of(t, 2, 3, 3, 3)),
        ["conv_transpose3d"] = t => conv_transpose3d(Of(t, 1, 2, 4, 4, 4), Of(t, 2, 3, 3, 3, 3)),
        ["linear"] = t => linear(Of(t, 2, 3), Of(t, 4, 3)),
        ["matmul"] = t => matmul(Of(t, 2, 3), Of(t, 3, 2)),
        ["mm"] = t => mm(Of(t, 2, 3), Of(t, 3, 2)),
        ["bmm"] = t => bmm(Of(t, 1, 2, 3), Of(t, 1, 3, 2)),
        ["addmm"] = t => addmm(Of(t, 2, 2), Of(t, 2, 3), Of(t, 3, 2), 1, 1),
        ["baddbmm"] = t => baddbmm(Of(t, 1, 2, 2), Of(t, 1, 2, 2), Of(t, 1, 2, 2)),
        ["addbmm"] = t => addbmm(Of(t, 2, 2), Of(t, 1, 2, 3), Of(t, 1, 3, 2)),
        ["vecdot"] = t => linalg.vecdot(Of(t, 2, 3), Of(t, 2, 3)),
        ["prelu"] = t => prelu(Of(t, 2, 3), Of(t, 1)),
        ["scaled_dot_product_attention"] = t => scaled_dot_product_attention(Of(t, 1, 2, 3, 4), Of(t, 1, 2, 3, 4), Of(t, 1, 2, 3, 4)),
    };

    private static readonly Dictionary<string, Func<ScalarType, Tensor>> Float32 = new()
    {
        ["cross_entropy"] = t => cross_entropy(Of(t, 2, 3), zeros(2, int64)),
        ["nll_loss"] = t => nll_loss(Of(t, 2, 3), zeros(2, int64)),
        ["mse_loss"] = t => mse_loss(Of(t, 2, 3), Of(t, 2, 3)),
        ["l1_loss"] = t => l1_loss(Of(t, 2, 3), Of(t, 2, 3)),
        ["smooth_l1_loss"] = t => smooth_l1_loss(Of(t, 2, 3), Of(t, 2, 3)),
        ["huber_loss"] = t => huber_loss(Of(t, 2, 3), Of(t, 2, 3)),
        ["kl_div"] = t => kl_div(Of(t, 2, 3), Of(t, 2, 3), reduction: nn.Reduction.Sum),
        ["binary_cross_entropy"] = t => binary_cross_entropy(Of(t, 2, 3), Of(t, 2, 3)),
        ["binary_cross_entropy_with_logits"] = t => binary_cross_entropy_with_logits(Of(t, 2, 3), Of(t, 2, 3)),
        ["hinge_embedding_loss"] = t => hinge_embedding_loss(Of(t, 2, 3), ones(2, 3, int64), 1),
        ["soft_margin_loss"] = t => soft_margin_loss(Of(t, 2, 3), Of(t, 2, 3)),
        ["poisson_nll_loss"] = t => poisson_nll_loss(Of(t, 2, 3), Of(t, 2, 3)),
        ["avg_pool3d"] = t => avg_pool3d(Of(t, 1, 1, 4, 4, 4), [2L, 2, 2]),
        ["adaptive_avg_pool3d"] = t => adaptive_avg_pool3d(Of(t, 1, 1, 4, 4, 4), [2L, 2, 2]),
        ["max_pool3d"] = t => max_pool3d(Of(t, 1, 1, 4, 4, 4), [2L, 2, 2]),
        ["grid_sample"] = t => grid_sample(Of(t, 1, 1, 4, 4), Of(t, 1, 2, 2, 2), align_corners: false),
        ["reflection_pad2d"] = t => pad(Of(t, 1, 1, 4, 4), [1, 1, 1, 1], PaddingModes.Reflect),
        ["replication_pad2d"] = t => pad(Of(t, 1, 1, 4, 4), [1, 1, 1, 1], PaddingModes.Replicate),
        ["prod"] = t => Of(t, 2, 3).prod(),
        ["quantile"] = t => Of(t, 8).quantile(tensor(0.5f)),
        ["trace"] = t => Of(t, 2, 2).trace(),
        ["cdist"] = t => cdist(Of(t, 2, 3), Of(t, 2, 3)),
        ["linalg.inv"] = t => linalg.inv(eye(3, dtype: t)),
        ["linalg.cholesky"] = t => linalg.cholesky(eye(3, dtype: t)),
        ["linalg.svdvals"] = t => linalg.svdvals(eye(3, dtype: t)),
        ["linalg.solve"] = t => linalg.solve(eye(3, dtype: t), Of(t, 3, 1)),
        ["fft.fft"] = t => fft.fft_(Of(t, 8)).real,
    };

    private static readonly Dictionary<string, Func<ScalarType, Tensor>> AsGiven = new()
    {
        ["add"] = t => Of(t, 2) + Of(t, 2),
        ["mul"] = t => Of(t, 2) * Of(t, 2),
        ["relu"] = t => relu(Of(t, 2)),
        ["leaky_relu"] = t => leaky_relu(Of(t, 2)),
        ["gelu"] = t => gelu(Of(t, 2)),
        ["sigmoid"] = t => Of(t, 2).sigmoid(),
        ["tanh"] = t => Of(t, 2).tanh(),
        ["exp"] = t => Of(t, 2).exp(),
        ["log"] = t => Of(t, 2).log(),
        ["pow"] = t => Of(t, 2).pow(2),
        ["softplus"] = t => softplus(Of(t, 2)),
        ["softmax"] = t => softmax(Of(t, 2, 3), 1),
        ["log_softmax"] = t => log_softmax(Of(t, 2, 3), 1),
        ["sum"] = t => Of(t, 2, 3).sum(),
        ["mean"] = t => Of(t, 2, 3).mean(),
        ["norm"] = t => Of(t, 2, 3).norm(),
        ["cumsum"] = t => Of(t, 3).cumsum(0),
        ["batch_norm"] = t => batch_norm(Of(t, 2, 3, 4), zeros(3), ones(3), ones(3), zeros(3), training: true),
        ["layer_norm"] = t => layer_norm(Of(t, 2, 3), [3], ones(3, dtype: t), zeros(3, dtype: t)),
        ["group_norm"] = t => group_norm(Of(t, 2, 4, 4), 2, ones(4, dtype: t), zeros(4, dtype: t)),
        ["max_pool2d"] = t => max_pool2d(Of(t, 1, 1, 4, 4), 2),
        ["avg_pool2d"] = t => avg_pool2d(Of(t, 1, 1, 4, 4), 2),
        ["adaptive_avg_pool2d"] = t => adaptive_avg_pool2d(Of(t, 1, 1, 4, 4), 1),
        ["interpolate bilinear"] = t => interpolate(Of(t, 1, 1, 4, 4), size: [8, 8], mode: InterpolationMode.Bilinear, align_corners: false),
        ["interpolate nearest"] = t => interpolate(Of(t, 1, 1, 4, 4), size: [8, 8]),
        ["dropout"] = t => dropout(Of(t, 8)),
        ["constant pad"] = t => pad(Of(t, 1, 1, 4, 4), [1, 1, 1, 1]),
        ["cat of one type"] = t => cat([Of(t, 2), Of(t, 2)]),
        ["addmm_ in place"] = t => Of(t, 2, 2).addmm_(Of(t, 2, 3), Of(t, 3, 2)),
    };

    private static readonly Dictionary<string, Func<ScalarType, Tensor>> Widest = new()
    {
        ["cat"] = t => cat([Of(t, 2), Of(ScalarType.Float32, 2)]),
        ["stack"] = t => stack([Of(t, 2), Of(ScalarType.Float32, 2)]),
        ["add of both types"] = t => Of(t, 2) + Of(ScalarType.Float32, 2),
    };

    private readonly DisposeScope _scope = NewDisposeScope();

    public static TheoryData<string, ScalarType> NarrowOperations => Cases(Narrow);

    public static TheoryData<string, ScalarType> Float32Operations => Cases(Float32);

    public static TheoryData<string, ScalarType> OperationsAsGiven => Cases(AsGiven);

    public static TheoryData<string, ScalarType> OperationsInTheWidestType => Cases(Widest);

    public void Dispose() => _scope.Dispose();

    [Theory]
    [MemberData(nameof(NarrowOperations))]
    public void NarrowOperation_OfFloat32_GivesTheNarrowType(string operation, ScalarType dtype) => AssertGives(dtype, Narrow[operation], ScalarType.Float32, dtype);

    [Theory]
    [MemberData(nameof(NarrowOperations))]
    public void NarrowOperation_OfFloat64_StaysFloat64(string operation, ScalarType dtype) => AssertGives(dtype, Narrow[operation], ScalarType.Float64, ScalarType.Float64);

    [Theory]
    [MemberData(nameof(Float32Operations))]
    public void Float32Operation_OfTheNarrowType_GivesFloat32(string operation, ScalarType dtype) => AssertGives(dtype, Float32[operation], dtype, ScalarType.Float32);

    [Theory]
    [MemberData(nameof(OperationsAsGiven))]
    public void OtherOperation_OfEitherType_KeepsIt(string operation, ScalarType dtype)
    {
        AssertGives(dtype, AsGiven[operation], dtype, dtype);
        AssertGives(dtype, AsGiven[operation], ScalarType.Float32, ScalarType.Float32);
    }

    [Theory]
    [MemberData(nameof(OperationsInTheWidestType))]
    public void OperationInTheWidestType_OfBothTypes_GivesFloat32(string operation, ScalarType dtype) => AssertGives(dtype, Widest[operation], dtype, ScalarType.Float32);

    // The text lists, for each row of its CPU table, what is run here.
    [Fact]
    public void Page_OnMixedPrecision_NamesEveryOperationInItsRow()
    {
        string[] rows = [.. Document().Split("**CUDA**")[0].Split('\n').Where(line => line.StartsWith('|'))];
        AssertNames(rows.Single(row => row.StartsWith("| the narrow type |", StringComparison.Ordinal)), Narrow.Keys);
        AssertNames(rows.Single(row => row.StartsWith("| float32 |", StringComparison.Ordinal)), Float32.Keys);
        AssertNames(rows.Single(row => row.StartsWith("| the inputs' type |", StringComparison.Ordinal)), AsGiven.Keys.Where(name => !name.Contains(' ')));
        AssertNames(rows.Single(row => row.StartsWith("| the widest input type |", StringComparison.Ordinal)), Widest.Keys.Where(name => !name.Contains(' ')));
    }

    private static string Document() => File.ReadAllText(Path.Combine(
        typeof(AutocastOperationTests).Assembly.GetCustomAttributes(typeof(System.Reflection.AssemblyMetadataAttribute), false)
            .Cast<System.Reflection.AssemblyMetadataAttribute>().Single(attribute => attribute.Key == "RepositoryRoot").Value!, "docs", "reference", "autocast.md"));

    private static void AssertNames(string row, IEnumerable<string> operations) => Assert.All(operations, operation => Assert.Contains($"`{operation}`", row, StringComparison.Ordinal));

    private static void AssertGives(ScalarType region, Func<ScalarType, Tensor> operation, ScalarType given, ScalarType expected)
    {
        using (Autocast.Enter(DeviceType.CPU, region))
        {
            Assert.Equal(expected, operation(given).dtype);
        }
    }

    private static Tensor Of(ScalarType dtype, params long[] shape) => full(shape, 0.5f, dtype);

    private static TheoryData<string, ScalarType> Cases(Dictionary<string, Func<ScalarType, Tensor>> operations)
    {
        var cases = new TheoryData<string, ScalarType>();
        foreach (string name in operations.Keys)
        {
            cases.Add(name, ScalarType.BFloat16);
            cases.Add(name, ScalarType.Float16);
        }

        return cases;
    }
}
