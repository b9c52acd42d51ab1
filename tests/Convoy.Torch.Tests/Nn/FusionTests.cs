using Convoy.Torch.Nn;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Torch.Tests.Nn;

/// <summary>A network of plain modules against itself with modules of Convoy's in their places.</summary>
public sealed class FusionTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(FusedOperations.None)]
    [InlineData(FusedOperations.Norm)]
    [InlineData(FusedOperations.Decoder)]
    [InlineData(FusedOperations.Convolution)]
    [InlineData(FusedOperations.All)]
    public void Apply_AnyOperations_KeepNamesTensorsModeAndOutput(FusedOperations operations)
    {
        SmallUNet plain = Make(), fused = Make();
        Tensor[] tensors = [.. fused.state_dict().Values];
        nint[] handles = [.. tensors.Select(value => value.Handle)];
        fused.eval();

        Assert.Same(fused, Fusion.Apply(fused, operations));

        Assert.Equal(plain.state_dict().Keys, fused.state_dict().Keys);
        Assert.Equal(handles, fused.state_dict().Values.Select(value => value.Handle));
        Assert.All(fused.modules(), module => Assert.False(module.training));
        Assert.Equal(operations.HasFlag(FusedOperations.Norm) ? 3 : 0, fused.modules().OfType<FusedBatchNorm>().Count(norm => norm.FusesActivation));
        Assert.Equal(operations.HasFlag(FusedOperations.Decoder) ? 1 : 0, fused.modules().OfType<FusedUpsampleConcat>().Count());
        Assert.Equal(operations.HasFlag(FusedOperations.Convolution) ? 2 : 0, fused.modules().OfType<TunedConv2d>().Count());
        RunFinalizers();

        fused.train();
        Tensor input = randn([4, 16, 24, 24]).permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
        (Tensor expected, Tensor actual) = (plain.call(input), fused.call(input));
        TensorAssert.Close(expected, actual, operations == FusedOperations.None ? 0 : 5e-5);
        expected.square().mean().backward();
        actual.square().mean().backward();
        // Batch norm behind batch norm: most of the first one's gradients cancels.
        foreach ((string name, Parameter parameter) in plain.named_parameters())
        {
            double error = TensorAssert.Error(parameter.grad!, fused.get_parameter(name)!.grad!);
            Assert.True(error <= (operations == FusedOperations.None ? 0 : 2e-3), $"{name}: {error:E2} of the largest element");
        }

        foreach ((string name, Tensor value) in plain.named_buffers())
        {
            TensorAssert.Close(value, fused.state_dict()[name], 1e-5);
        }
    }

    [Fact]
    public void Apply_FieldDeclaredAsBatchNorm2d_IsRefusedByNameAndTheNetworkStays()
    {
        random.manual_seed(4);
        using var network = new NarrowField();
        Tensor input = randn(2, 3, 8, 8), expected = network.call(input).clone();

        Assert.Contains("NarrowField.bn is declared as BatchNorm2d", Assert.Throws<ArgumentException>(() => Fusion.Apply(network, FusedOperations.All)).Message, StringComparison.Ordinal);

        // The replacements that were made hold the network's tensors, and nothing refers to them.
        RunFinalizers();
        TensorAssert.Identical(expected, network.call(input));
    }

    [Fact]
    public void Apply_BatchNormItself_IsRefused()
    {
        using nn.Module<Tensor, Tensor> norm = nn.BatchNorm2d(3);
        Assert.Throws<ArgumentException>(() => Fusion.Apply(norm, FusedOperations.Norm));
        Assert.Same(norm, Fusion.Apply(norm, FusedOperations.Decoder));
    }

    private static void RunFinalizers()
    {
#pragma warning disable RS0030 // What finalizers do is what is tested.
        GC.Collect();
#pragma warning restore RS0030
        GC.WaitForPendingFinalizers();
    }

    private static SmallUNet Make()
    {
        random.manual_seed(7);
        var network = new SmallUNet();
        network.train();
        return network;
    }

    private sealed class SmallUNet : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> conv1 = nn.Conv2d(16, 16, 3, padding: 1, bias: false);
        private readonly nn.Module<Tensor, Tensor> bn1 = nn.BatchNorm2d(16);
        private readonly nn.Module<Tensor, Tensor> conv2 = nn.Conv2d(16, 16, 3, padding: 1, bias: false);
        private readonly nn.Module<Tensor, Tensor> bn2 = nn.BatchNorm2d(16);
        private readonly nn.Module<Tensor, Tensor> bn3 = nn.BatchNorm2d(16, momentum: 0.3);
        private readonly nn.Module<Tensor, Tensor, Tensor> join = new UpsampleConcat();

        public SmallUNet()
            : base(nameof(SmallUNet)) => RegisterComponents();

        public override Tensor forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            Tensor features = bn1.CallRelu(conv1.call(input));
            Tensor deep = bn2.CallReluMaxPool(features);
            return join.call(deep, bn3.CallAddRelu(conv2.call(features), input)).MoveToOuterDisposeScope();
        }
    }

    private sealed class NarrowField : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> first = nn.BatchNorm2d(3);
        private readonly BatchNorm2d bn = nn.BatchNorm2d(3);

        public NarrowField()
            : base(nameof(NarrowField)) => RegisterComponents();

        public override Tensor forward(Tensor input) => bn.call(first.call(input));
    }
}
