using Convoy.Tests;
using Convoy.Torch.Interop;
using Convoy.Torch.Nn;
using Convoy.Torch.Optim;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Torch.Tests.Convolution;

public sealed unsafe class ConvolutionWeightTests
{
    public static TheoryData<string> Updates => new("copy", "load", "state dict", "optimizer", "data");

    [Theory]
    [MemberData(nameof(Updates))]
    public void Forward_WeightsChangedBetweenEvaluations_UsesTheNewOnes(string update)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var layer = new TunedConv2d(new Parameter(randn(16, 16, 3, 3)), padding: 1);
        using var other = new TunedConv2d(new Parameter(randn(16, 16, 3, 3)), padding: 1);
        Tensor images = randn(1, 8, 8, 16).permute(0, 3, 1, 2);
        layer.eval();
        Evaluate();
        var weight = layer.get_parameter("weight")!;
        switch (update)
        {
            case "copy":
                using (no_grad())
                {
                    weight.copy_(other.get_parameter("weight")!);
                }

                break;
            case "load":
                other.save(Path.Combine(folder.Root, "weights"));
                layer.load(Path.Combine(folder.Root, "weights"));
                break;
            case "state dict":
                layer.load_state_dict(other.state_dict());
                break;
            case "data":
                *(float*)TensorMemory.Address(weight) = 1000;
                break;
            default:
                using (var optimizer = new FusedAdamW([(Parameter)weight], 0.1))
                {
                    layer.call(images).square().sum().backward();
                    optimizer.step();
                }

                break;
        }

        Tensor expected = nn.functional.conv2d(images, weight, padding: [1, 1]);
        TensorAssert.Close(expected, Evaluate(), 1e-5);

        Tensor Evaluate()
        {
            using IDisposable noGradient = no_grad();
            return layer.call(images);
        }
    }

    [Fact]
    public void Backward_OtherWeightsEvaluatedInBetween_UsesThoseOfItsForwardPass()
    {
        using var scope = NewDisposeScope();
        using var layer = new TunedConv2d(new Parameter(randn(16, 16, 3, 3)), padding: 1);
        Tensor images = randn(1, 8, 8, 16).permute(0, 3, 1, 2).requires_grad_();
        Tensor plain = nn.functional.conv2d(images, layer.get_parameter("weight")!, padding: [1, 1]);
        Tensor expected = autograd.grad([plain.square().sum()], [images])[0];
        Tensor loss = layer.call(images).square().sum();

        layer.to(ScalarType.Float64);
        layer.to(ScalarType.Float32);
        using (no_grad())
        {
            layer.get_parameter("weight")!.mul_(2);
            layer.call(images);
        }

        TensorAssert.Close(expected, autograd.grad([loss], [images])[0], 1e-5);
    }

    [Fact]
    public void Backward_CreateGraphWhereOnlyTheBiasTrains_HasTheSecondDerivative()
    {
        using var scope = NewDisposeScope();
        using var layer = new TunedConv2d(new Parameter(randn(16, 16, 3, 3), requires_grad: false), new Parameter(randn(16)), padding: 1);
        Tensor images = randn(1, 8, 8, 16).permute(0, 3, 1, 2);
        Tensor bias = layer.get_parameter("bias")!;
        Tensor first = autograd.grad([layer.call(images).square().sum()], [bias], retain_graph: true, create_graph: true)[0];
        TensorAssert.Close(full([16], 128.0), autograd.grad([first.sum()], [bias])[0], 1e-5);
    }
}
