using System.Runtime.InteropServices;
using Convoy.Torch.Autograd;
using Convoy.Torch.Nn;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Torch.Tests.Nn;

/// <summary>What the layer does by itself; its fused operations are tested with SyncBatchNorm's, which runs the same code.</summary>
public sealed class FusedBatchNormTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public FusedBatchNormTests() => random.manual_seed(3);

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(new long[] { 8, 5 })]
    [InlineData(new long[] { 3, 5, 7 })]
    [InlineData(new long[] { 3, 5, 4, 6 })]
    [InlineData(new long[] { 2, 5, 3, 4, 2 })]
    public void Forward_AnyDimensions_IsBatchNorm(long[] shape)
    {
        using nn.Module<Tensor, Tensor> plain = shape.Length switch { <= 3 => nn.BatchNorm1d(5), 4 => nn.BatchNorm2d(5), _ => nn.BatchNorm3d(5) };
        using var fused = new FusedBatchNorm(5);
        for (int step = 0; step < 3; step++)
        {
            Tensor input = randn(shape);
            TensorAssert.Identical(plain.call(input), fused.call(input));
        }

        plain.eval();
        fused.eval();
        Tensor last = randn(shape);
        TensorAssert.Identical(plain.call(last), fused.call(last));
        Assert.Equal(plain.state_dict().Keys, fused.state_dict().Keys);
        Assert.All(plain.state_dict(), entry => TensorAssert.Identical(entry.Value, fused.state_dict()[entry.Key]));
    }

    [Fact]
    public void NormalizeRelu_InputChangedBeforeBackward_FailsAndLaterPassesDoNot()
    {
        using var norm = new FusedBatchNorm(4);
        Tensor input = randn([2, 4, 3, 3], requires_grad: true), changed = input * 1;
        Tensor output = norm.NormalizeRelu(changed);
        changed.add_(1);

        if (AutogradEngine.IsSupported)
        {
            Assert.Contains("modified by an inplace operation", Assert.Throws<ExternalException>(() => output.sum().backward()).Message, StringComparison.Ordinal);
        }
        else
        {
            output.sum().backward();
            Assert.ThrowsAny<Exception>(() => norm.NormalizeRelu(input));
        }

        norm.NormalizeRelu(input).sum().backward();
        Assert.True(input.grad!.isfinite().all().item<bool>());
    }

    [Fact]
    public void NormalizeRelu_OneValueForEachChannel_IsRefused()
    {
        using var norm = new FusedBatchNorm(4);
        string message = Assert.Throws<ArgumentException>("input", () => norm.NormalizeRelu(randn(1, 4))).Message;
        Assert.StartsWith("FusedBatchNorm in training needs more than 1 value", message, StringComparison.Ordinal);
        Assert.DoesNotContain("ranks", message, StringComparison.Ordinal);
    }
}
