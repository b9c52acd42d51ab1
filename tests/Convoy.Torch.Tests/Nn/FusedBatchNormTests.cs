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

    [Theory]
    [InlineData(ScalarType.Float64, 1e-12)]
    [InlineData(ScalarType.Float32, 2e-6)]
    [InlineData(ScalarType.BFloat16, 1.0 / 128)]
    public void Forward_ChannelsLast_IsFloat64sBatchNormWithItsGradients(ScalarType type, double tolerance)
    {
        using nn.Module<Tensor, Tensor> plain = nn.BatchNorm2d(24, dtype: ScalarType.Float64);
        using var fused = new FusedBatchNorm(24, dtype: type == ScalarType.Float64 ? type : ScalarType.Float32);
        Tensor values = (randn(3, 7, 9, 24) + 0.5).to(type), gradient = randn(3, 7, 9, 24).to(type);
        Tensor Input(ScalarType asType) => values.to(asType).permute(0, 3, 1, 2).detach().requires_grad_();
        Tensor input = Input(type), wide = Input(ScalarType.Float64);

        Tensor output = fused.call(input), expected = plain.call(wide);
        output.backward([gradient.permute(0, 3, 1, 2)]);
        expected.backward([gradient.to(ScalarType.Float64).permute(0, 3, 1, 2)]);

        Assert.Equal(type, output.dtype);
        TensorAssert.Close(expected, output.to(ScalarType.Float64), tolerance);
        TensorAssert.Close(wide.grad!, input.grad!.to(ScalarType.Float64), tolerance);
        foreach ((string name, Tensor value) in plain.state_dict().Where(entry => entry.Key.StartsWith("running", StringComparison.Ordinal)).Concat(plain.named_parameters().Select(entry => new KeyValuePair<string, Tensor>($"{entry.name}.grad", entry.parameter.grad!))))
        {
            Tensor own = name.EndsWith(".grad", StringComparison.Ordinal) ? fused.named_parameters().Single(entry => $"{entry.name}.grad" == name).parameter.grad! : fused.state_dict()[name];
            TensorAssert.Close(value.to(ScalarType.Float64), own.to(ScalarType.Float64), Math.Min(tolerance, 1e-5));
        }
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
