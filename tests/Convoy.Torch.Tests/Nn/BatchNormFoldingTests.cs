using Convoy.Torch.Nn;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Torch.Tests.Nn;

/// <summary>Networks with their batch norms folded into their convolutions against themselves before.</summary>
public sealed class BatchNormFoldingTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public BatchNormFoldingTests() => random.manual_seed(11);

    public void Dispose() => _scope.Dispose();

    public static TheoryData<string> Networks() => ["plain", "bias", "grouped", "transposed", "one dimension", "three dimensions", "no affine", "fused", "pre-activation", "residual"];

    [Theory]
    [MemberData(nameof(Networks))]
    public void Fold_AnyNetwork_GivesItsOutput(string name)
    {
        (nn.Module<Tensor, Tensor> network, Tensor example, int foldable) = Make(name);
        Tensor input = randn_like(example);
        Tensor expected = network.call(input).clone();

        int folded = BatchNormFolding.Fold(network, n => n.call(example));

        Assert.Equal(foldable, folded);
        TensorAssert.Close(expected, network.call(input), 1e-12);
        Assert.Equal(0, BatchNormFolding.Fold(network, n => n.call(example)));
    }

    [Theory]
    [InlineData(ScalarType.Float32, 1e-6)]
    [InlineData(ScalarType.Float64, 1e-12)]
    [InlineData(ScalarType.BFloat16, 0.02)]
    public void Fold_ToAType_GivesAllParametersThatType(ScalarType dtype, double tolerance)
    {
        (nn.Module<Tensor, Tensor> network, Tensor example, _) = Make("residual");
        Tensor expected = network.call(example).clone();

        BatchNormFolding.Fold(network, n => n.call(example), dtype);

        Assert.All(network.parameters(), parameter => Assert.Equal(dtype, parameter.dtype));
        TensorAssert.Close(expected, network.call(example.to(dtype)).to(ScalarType.Float64), tolerance);
    }

    [Fact]
    public void Fold_OutputUsedElsewhere_IsRefusedAndTheNetworkStays()
    {
        using var network = new OutputUsedTwice();
        Prepare(network);
        Tensor input = randn([2, 3, 8, 8], ScalarType.Float64), expected = network.call(input).clone();

        Assert.Contains("computes something else", Assert.Throws<InvalidOperationException>(() => BatchNormFolding.Fold(network, n => n.call(input))).Message, StringComparison.Ordinal);

        TensorAssert.Identical(expected, network.call(input));
    }

    [Fact]
    public void Fold_OutputChangedInPlaceOrConvolutionUsedTwice_Stays()
    {
        using var network = new ChangedInPlace();
        Prepare(network);
        Tensor input = randn([2, 3, 8, 8], ScalarType.Float64), expected = network.call(input).clone();

        Assert.Equal(0, BatchNormFolding.Fold(network, n => n.call(input)));

        TensorAssert.Identical(expected, network.call(input));
    }

    [Fact]
    public void Fold_TrainingModeOrOtherType_IsRefused()
    {
        (nn.Module<Tensor, Tensor> network, Tensor example, _) = Make("plain");
        Assert.Throws<ArgumentException>("dtype", () => BatchNormFolding.Fold(network, n => n.call(example), ScalarType.Float16));
        network.train();
        Assert.Throws<InvalidOperationException>(() => BatchNormFolding.Fold(network, n => n.call(example)));
    }

    [Fact]
    public void Fold_WinogradConvolutions_AddTheBiasInTheirKernel()
    {
        using nn.Module<Tensor, Tensor> network = nn.Sequential(nn.Conv2d(16, 16, 3, padding: 1, bias: false), nn.BatchNorm2d(16), nn.ReLU());
        Prepare(network);
        network.to(ScalarType.Float32);
        Tensor input = randn(2, 16, 24, 24).permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2), expected = network.call(input).clone();

        Fusion.Apply(network, FusedOperations.Convolution);
        Assert.Equal(1, BatchNormFolding.Fold(network, n => n.call(input)));

        using IDisposable noGradient = no_grad();
        TensorAssert.Close(expected, network.call(input), 1e-5);
    }

    // With statistics, weights and biases far from 0 and 1, in evaluation mode and float64.
    private static T Prepare<T>(T network)
        where T : nn.Module
    {
        using IDisposable noGradient = no_grad();
        network.to(ScalarType.Float64);
        foreach ((string name, Tensor value) in network.named_buffers().Select(entry => (entry.name, entry.buffer)).Concat(network.named_parameters().Select(entry => (entry.name, (Tensor)entry.parameter))))
        {
            if (value.dim() == 1)
            {
                _ = name.EndsWith("var", StringComparison.Ordinal) || name.EndsWith("weight", StringComparison.Ordinal) ? value.uniform_(0.4, 1.6) : value.normal_(0, 0.3);
            }
        }

        network.eval();
        return network;
    }

    private static (nn.Module<Tensor, Tensor> Network, Tensor Example, int Foldable) Make(string name)
    {
        Tensor images = randn([2, 4, 9, 7], ScalarType.Float64);
        (nn.Module<Tensor, Tensor> network, Tensor example, int foldable) = name switch
        {
            "plain" => (nn.Sequential(nn.Conv2d(4, 6, 3, stride: 2, bias: false), nn.BatchNorm2d(6, eps: 0.1), nn.ReLU(), nn.Conv2d(6, 5, 1, bias: false), nn.BatchNorm2d(5)), images, 2),
            "bias" => (nn.Sequential(nn.Conv2d(4, 6, 3, padding: 1), nn.BatchNorm2d(6)), images, 1),
            "grouped" => (nn.Sequential(nn.Conv2d(4, 8, 3, groups: 2, bias: false), nn.BatchNorm2d(8)), images, 1),
            "transposed" => (nn.Sequential(nn.ConvTranspose2d(4, 6, 3), nn.BatchNorm2d(6)), images, 0),
            "one dimension" => (nn.Sequential(nn.Conv1d(4, 6, 3), nn.BatchNorm1d(6)), randn([2, 4, 9], ScalarType.Float64), 1),
            "three dimensions" => (nn.Sequential(nn.Conv3d(4, 6, 3), nn.BatchNorm3d(6)), randn([2, 4, 5, 6, 7], ScalarType.Float64), 1),
            "no affine" => (nn.Sequential(nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6, affine: false), nn.Conv2d(6, 3, 1), nn.BatchNorm2d(3, track_running_stats: false)), images, 1),
            "fused" => (Fusion.Apply(nn.Sequential(nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6), nn.ReLU()), FusedOperations.All), images, 1),
            "pre-activation" => ((nn.Module<Tensor, Tensor>)nn.Sequential(nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 5, 1)), images, 1),
            _ => (new Residual(), images, 3),
        };
        return (Prepare(network), example, foldable);
    }

    private sealed class Residual : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> conv1 = nn.Conv2d(4, 6, 3, padding: 1, bias: false);
        private readonly nn.Module<Tensor, Tensor> bn1 = nn.BatchNorm2d(6);
        private readonly nn.Module<Tensor, Tensor> conv2 = nn.Conv2d(6, 6, 3, padding: 1, bias: false);
        private readonly nn.Module<Tensor, Tensor> bn2 = nn.BatchNorm2d(6);
        private readonly nn.Module<Tensor, Tensor> downsample = nn.Sequential(nn.Conv2d(4, 6, 1, bias: false), nn.BatchNorm2d(6));

        public Residual()
            : base(nameof(Residual)) => RegisterComponents();

        public override Tensor forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            return bn2.CallAddRelu(conv2.call(bn1.CallRelu(conv1.call(input))), downsample.call(input)).MoveToOuterDisposeScope();
        }
    }

    private sealed class OutputUsedTwice : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> conv = nn.Conv2d(3, 4, 3);
        private readonly nn.Module<Tensor, Tensor> bn = nn.BatchNorm2d(4);

        public OutputUsedTwice()
            : base(nameof(OutputUsedTwice)) => RegisterComponents();

        public override Tensor forward(Tensor input)
        {
            Tensor features = conv.call(input);
            return bn.call(features) + features;
        }
    }

    private sealed class ChangedInPlace : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> conv = nn.Conv2d(3, 4, 3);
        private readonly nn.Module<Tensor, Tensor> shared = nn.Conv2d(4, 4, 1);
        private readonly nn.Module<Tensor, Tensor> bn1 = nn.BatchNorm2d(4);
        private readonly nn.Module<Tensor, Tensor> bn2 = nn.BatchNorm2d(4);

        public ChangedInPlace()
            : base(nameof(ChangedInPlace)) => RegisterComponents();

        public override Tensor forward(Tensor input)
        {
            Tensor features = conv.call(input);
            features.relu_();
            return bn2.call(shared.call(shared.call(bn1.call(features))));
        }
    }
}
