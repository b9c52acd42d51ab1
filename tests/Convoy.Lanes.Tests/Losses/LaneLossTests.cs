using Convoy.Lanes.Losses;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Lanes.Tests.Losses;

public sealed class LaneLossTests
{
    private static readonly LaneLoss Loss = new();

    [Fact]
    public void Forward_RandomBatch_EqualsCrossEntropyPlusDiceOfEachImage()
    {
        using var scope = NewDisposeScope();
        (Tensor logits, Tensor masks) = Batch(4, 17, 23);

        Assert.Equal(Reference(logits.to(ScalarType.Float64), masks), Loss.call(logits, masks).item<float>(), 1e-6);
    }

    [Fact]
    public void Forward_OtherWeights_EqualsReference()
    {
        using var scope = NewDisposeScope();
        using var loss = new LaneLoss(backgroundWeight: 1, laneWeight: 3.5);
        (Tensor logits, Tensor masks) = Batch(3, 9, 11);

        Assert.Equal(Reference(logits.to(ScalarType.Float64), masks, 1, 3.5), loss.call(logits, masks).item<float>(), 1e-6);
    }

    [Fact]
    public void Forward_HalvesOfABatch_HaveTheWholeBatchsLossAsMean()
    {
        using var scope = NewDisposeScope();
        (Tensor logits, Tensor masks) = Batch(8, 16, 16);
        masks[0].zero_();

        float first = Loss.call(logits.narrow(0, 0, 4), masks.narrow(0, 0, 4)).item<float>();
        float second = Loss.call(logits.narrow(0, 4, 4), masks.narrow(0, 4, 4)).item<float>();

        Assert.Equal(Loss.call(logits, masks).item<float>(), (first + second) / 2, 1e-6);
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(1e4, false)]
    [InlineData(1e30, false)]
    [InlineData(1e30, true)]
    public void Backward_EmptyMaskOrHugeLogits_GivesFiniteGradients(double scale, bool empty)
    {
        using var scope = NewDisposeScope();
        (Tensor random, Tensor masks) = Batch(2, 8, 8);
        Tensor logits = (random * scale).requires_grad_();
        if (empty)
        {
            masks.zero_();
        }

        Tensor loss = Loss.call(logits, masks);
        loss.backward();

        Assert.True(float.IsFinite(loss.item<float>()));
        Assert.True(logits.grad!.isfinite().all().item<bool>());
        Assert.True(logits.grad!.abs().sum().item<float>() > 0);
    }

    [Fact]
    public void Forward_Bf16Logits_ComputesInFp32()
    {
        using var scope = NewDisposeScope();
        (Tensor random, Tensor masks) = Batch(4, 32, 32);
        Tensor logits = random.to(ScalarType.BFloat16).requires_grad_();

        Tensor loss = Loss.call(logits, masks);
        loss.backward();

        Assert.Equal(ScalarType.Float32, loss.dtype);
        Assert.Equal(Reference(logits.detach().to(ScalarType.Float64), masks), loss.item<float>(), 1e-6);
        Assert.Equal(ScalarType.BFloat16, logits.grad!.dtype);
    }

    [Fact]
    public void Forward_Float64Logits_ComputesInFloat64()
    {
        using var scope = NewDisposeScope();
        (Tensor random, Tensor masks) = Batch(4, 32, 32);
        Tensor logits = random.to(ScalarType.Float64);

        Tensor loss = Loss.call(logits, masks);

        Assert.Equal(ScalarType.Float64, loss.dtype);
        Assert.Equal(Reference(logits, masks), loss.item<double>(), 1e-14);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, -1)]
    public void Constructor_WeightNotAbove0_IsRefused(double background, double lane) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new LaneLoss(background, lane));

    private static (Tensor Logits, Tensor Masks) Batch(int images, int height, int width)
    {
        var generator = new Generator(7, CPU);
        return (randn([images, 2, height, width], generator: generator) * 3, rand([images, height, width], generator: generator).lt(0.1).to(ScalarType.Int64));
    }

    private static double Reference(Tensor logits, Tensor masks, double background = 0.4, double lane = 1)
    {
        Tensor weight = tensor([background, lane], ScalarType.Float64);
        double sum = 0;
        for (int i = 0; i < logits.shape[0]; i++)
        {
            Tensor one = logits.narrow(0, i, 1), mask = masks.narrow(0, i, 1);
            double crossEntropy = nn.functional.cross_entropy(one, mask, weight).item<double>();
            Tensor probability = nn.functional.softmax(one, 1).select(1, 1);
            double overlap = (probability * mask).sum().item<double>();
            sum += crossEntropy + 1 - (((2 * overlap) + 1) / (probability.sum().item<double>() + mask.sum().item<long>() + 1));
        }

        return sum / logits.shape[0];
    }
}
