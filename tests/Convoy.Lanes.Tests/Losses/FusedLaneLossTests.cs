using Convoy.Lanes.Losses;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Lanes.Tests.Losses;

/// <summary>The fused loss against the plain one after libtorch's own interpolation of both logits.</summary>
public sealed class FusedLaneLossTests
{
    private static readonly LaneLoss Plain = new();

    [Theory]
    [InlineData(1, 90, 200, 360, 800)]
    [InlineData(4, 24, 16, 96, 64)]
    [InlineData(2, 3, 5, 12, 20)]
    [InlineData(3, 9, 33, 36, 132)]
    [InlineData(2, 18, 33, 71, 129)]
    [InlineData(2, 7, 11, 25, 43)]
    [InlineData(1, 1, 1, 1, 1)]
    [InlineData(2, 1, 1, 4, 4)]
    [InlineData(1, 1, 1, 3, 2)]
    [InlineData(2, 13, 17, 13, 17)]
    [InlineData(2, 40, 30, 20, 9)]
    public void Backward_AnySize_EqualsPlainOperations(int images, int height, int width, int imageHeight, int imageWidth)
    {
        using var scope = NewDisposeScope();
        (Tensor logits, Tensor masks) = Batch(images, height, width, imageHeight, imageWidth);

        AssertEqual(logits, masks);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(0, 80)]
    [InlineData(1, 80)]
    [InlineData(0.1, 80)]
    [InlineData(0.1, 1e-6)]
    [InlineData(0.1, 0)]
    public void Backward_UniformMasksAndExtremeLogits_EqualsPlainOperations(double lanes, double scale)
    {
        using var scope = NewDisposeScope();
        (Tensor random, _) = Batch(2, 6, 10, 24, 40);
        Tensor masks = rand([2, 24, 40], generator: new Generator(3, CPU)).lt(lanes).to(ScalarType.Byte);

        AssertEqual(random.sign() * scale, masks);
    }

    [Fact]
    public void Backward_LogitsBeyondTheExponentialsRange_StaysFinite()
    {
        using var scope = NewDisposeScope();
        (Tensor random, Tensor masks) = Batch(2, 6, 10, 24, 40);

        (Tensor loss, Tensor gradient) = Fused(random * 1e30, masks);

        Assert.True(loss.isfinite().item<bool>());
        Assert.True(gradient.isfinite().all().item<bool>());
        Assert.True(gradient.abs().sum().item<float>() > 0);
    }

    [Fact]
    public void Backward_NaNInOneImage_GivesNaNThereAndNowhereElse()
    {
        using var scope = NewDisposeScope();
        (Tensor logits, Tensor masks) = Batch(2, 6, 10, 24, 40);
        logits[0, 0, 3, 4] = float.NaN;

        (Tensor loss, Tensor gradient) = Fused(logits, masks);

        Assert.True(float.IsNaN(loss.item<float>()));
        Assert.True(gradient[0].isnan().all().item<bool>());
        Assert.True(gradient[1].isfinite().all().item<bool>());
    }

    [Theory]
    [InlineData(ScalarType.Byte)]
    [InlineData(ScalarType.Bool)]
    [InlineData(ScalarType.Int64)]
    public void Backward_MaskTypes_GiveTheSameBits(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        (Tensor logits, Tensor masks) = Batch(2, 6, 10, 24, 40);
        (Tensor expectedLoss, Tensor expected) = Fused(logits, masks);

        (Tensor loss, Tensor gradient) = Fused(logits, masks.to(dtype));

        Assert.Equal(expectedLoss.item<float>(), loss.item<float>());
        TensorAssert.Identical(expected, gradient);
        Assert.Equal(Plain.call(logits, interpolateTo(masks)).item<float>(), Plain.call(logits, interpolateTo(masks).to(dtype)).item<float>());

        static Tensor interpolateTo(Tensor masks) => masks[.., ..6, ..10].contiguous();
    }

    [Theory]
    [InlineData(ScalarType.BFloat16, 0.00390625)]
    [InlineData(ScalarType.Float16, 0.00048828125)]
    public void Backward_HalfTypes_IsFloat32sRoundedOnce(ScalarType dtype, double halfUlp)
    {
        using var scope = NewDisposeScope();
        (Tensor random, Tensor masks) = Batch(3, 24, 16, 96, 64);
        Tensor logits = random.to(dtype);
        (Tensor expectedLoss, Tensor expected) = Fused(logits.to(ScalarType.Float32), masks);

        (Tensor loss, Tensor gradient) = Fused(logits, masks, scale: 256);

        Assert.Equal((dtype, ScalarType.Float32), (gradient.dtype, loss.dtype));
        Assert.Equal(expectedLoss.item<float>(), loss.item<float>());
        TensorAssert.Identical((expected * 256).to(dtype), gradient);
        TensorAssert.Close(expected * 256, gradient.to(ScalarType.Float32), halfUlp);
    }

    [Fact]
    public void Backward_ChannelsLastLogits_GivesTheSameBits()
    {
        using var scope = NewDisposeScope();
        (Tensor logits, Tensor masks) = Batch(3, 24, 16, 96, 64);
        (Tensor expectedLoss, Tensor expected) = Fused(logits, masks);

        (Tensor loss, Tensor gradient) = Fused(logits.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2), masks.transpose(1, 2).contiguous().transpose(1, 2));

        Assert.Equal(expectedLoss.item<float>(), loss.item<float>());
        TensorAssert.Identical(expected, gradient);
    }

    [Fact]
    public void Backward_TwoThreads_GivesTheSameBits()
    {
        using var scope = NewDisposeScope();
        (Tensor logits, Tensor masks) = Batch(3, 25, 40, 100, 160);
        set_num_threads(1);
        (Tensor expectedLoss, Tensor expected) = Fused(logits, masks);
        set_num_threads(2);
        try
        {
            (Tensor loss, Tensor gradient) = Fused(logits, masks);

            Assert.Equal(expectedLoss.item<float>(), loss.item<float>());
            TensorAssert.Identical(expected, gradient);
        }
        finally
        {
            set_num_threads(1);
        }
    }

    [Theory]
    [InlineData(4)]
    [InlineData(3)]
    public void Backward_Float64_HasTheGradientOfFiniteDifferences(int scale)
    {
        using var scope = NewDisposeScope();
        (Tensor random, Tensor masks) = Batch(2, 3, 4, 3 * scale, 4 * scale);
        Tensor logits = random.to(ScalarType.Float64);
        (_, Tensor gradient) = Fused(logits, masks);
        (_, Tensor single) = Fused(random, masks);
        const double Step = 1e-5;
        foreach ((long n, long c, long y, long x) in new[] { (0L, 0L, 0L, 0L), (0, 1, 1, 2), (1, 1, 2, 3), (1, 0, 1, 1) })
        {
            double At(double change)
            {
                Tensor moved = logits.clone();
                moved[n, c, y, x] += change;
                return Plain.call(Upsampled(moved, masks), masks).item<double>();
            }

            double slope = (At(Step) - At(-Step)) / (2 * Step);

            Assert.Equal(slope, gradient[n, c, y, x].item<double>(), 1e-9);
            Assert.Equal(slope, single[n, c, y, x].item<float>(), 1e-7);
        }
    }

    [Fact]
    public void Backward_CreateGraph_HasThePlainSecondDerivative()
    {
        using var scope = NewDisposeScope();
        (Tensor random, Tensor masks) = Batch(2, 3, 4, 12, 16);
        using var fused = new LaneLoss(fused: true);

        Tensor Second(LaneLoss loss, bool upsample)
        {
            Tensor logits = random.detach().clone().requires_grad_();
            Tensor value = loss.call(upsample ? Upsampled(logits, masks) : logits, masks);
            Tensor first = autograd.grad([value], [logits], retain_graph: true, create_graph: true)[0];
            return autograd.grad([(first * first).sum()], [logits])[0];
        }

        Tensor expected = Second(Plain, upsample: true);
        Assert.True(expected.abs().sum().item<float>() > 0);
        TensorAssert.Close(expected, Second(fused, upsample: false), 1e-5);
    }

    [Fact]
    public void Forward_WithoutGradient_EqualsTheFusedLoss()
    {
        using var scope = NewDisposeScope();
        (Tensor logits, Tensor masks) = Batch(2, 6, 10, 24, 40);
        using var fused = new LaneLoss(fused: true);
        (Tensor loss, _) = Fused(logits, masks);

        Assert.Equal(loss.item<float>(), fused.call(logits, masks).item<float>(), 1e-6);
    }

    [Fact]
    public void Backward_Weights_AreTheConstructors()
    {
        using var scope = NewDisposeScope();
        (Tensor logits, Tensor masks) = Batch(2, 6, 10, 24, 40);
        using var plain = new LaneLoss(1, 3.5);
        using var fused = new LaneLoss(1, 3.5, fused: true);

        AssertEqual(logits, masks, plain, fused);
    }

    [Fact]
    public void Call_100Times_KeepsLiveTensorsFlat()
    {
        using var scope = NewDisposeScope();
        (Tensor logits, Tensor masks) = Batch(2, 6, 10, 24, 40);
        using var fused = new LaneLoss(fused: true);
        long after10 = 0;
        for (int i = 0; i < 100; i++)
        {
            using (NewDisposeScope())
            {
                Tensor leaf = logits.detach().requires_grad_();
                fused.call(leaf, masks).backward();
            }

            after10 = i == 9 ? DisposeScopeManager.Statistics.ThreadTotalLiveCount : after10;
        }

        Assert.Equal(after10, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Theory]
    [InlineData(new long[] { 2, 3, 4, 4 }, new long[] { 2, 8, 8 })]
    [InlineData(new long[] { 2, 2, 4, 4 }, new long[] { 1, 8, 8 })]
    [InlineData(new long[] { 2, 2, 4, 4 }, new long[] { 2, 1, 8, 8 })]
    public void Forward_ShapesThatDoNotFit_AreRefused(long[] logits, long[] masks)
    {
        using var scope = NewDisposeScope();
        Assert.Throws<ArgumentException>(() => Plain.call(zeros(logits), zeros(masks)));
    }

    private static (Tensor Logits, Tensor Masks) Batch(int images, int height, int width, int imageHeight, int imageWidth)
    {
        var generator = new Generator(11, CPU);
        return (randn([images, 2, height, width], generator: generator) * 3, rand([images, imageHeight, imageWidth], generator: generator).lt(0.1).to(ScalarType.Byte));
    }

    private static Tensor Upsampled(Tensor logits, Tensor masks) => nn.functional.interpolate(logits, masks.shape[1..], mode: InterpolationMode.Bilinear, align_corners: false);

    private static (Tensor Loss, Tensor Gradient) Fused(Tensor logits, Tensor masks, double scale = 1)
    {
        using var fused = new LaneLoss(fused: true);
        return Gradient(fused, logits, masks, upsample: false, scale);
    }

    private static (Tensor Loss, Tensor Gradient) Gradient(LaneLoss loss, Tensor logits, Tensor masks, bool upsample, double scale = 1)
    {
        Tensor leaf = logits.detach().requires_grad_();
        Tensor value = loss.call(upsample ? Upsampled(leaf, masks) : leaf, masks);
        (value * scale).backward();
        return (value.detach(), leaf.grad!);
    }

    private static void AssertEqual(Tensor logits, Tensor masks, LaneLoss? plain = null, LaneLoss? fused = null)
    {
        using var other = new LaneLoss(fused: true);
        (Tensor expectedLoss, Tensor expected) = Gradient(plain ?? Plain, logits, masks, upsample: true);
        (Tensor loss, Tensor gradient) = Gradient(fused ?? other, logits, masks, upsample: false);
        (Tensor exactLoss, Tensor exact) = Gradient(plain ?? Plain, logits.to(ScalarType.Float64), masks, upsample: true);

        Assert.Equal(1, loss.item<float>() / expectedLoss.item<float>(), 1e-6);
        Assert.Equal(1, loss.item<float>() / exactLoss.item<double>(), 1e-6);
        TensorAssert.Close(expected, gradient, 1e-6);

        // Where sizes do not divide, libtorch's fp32 positions, which the kernel shares, are themselves rounded.
        TensorAssert.Close(exact, gradient.to(ScalarType.Float64), 1e-6 + TensorAssert.Error(exact, expected.to(ScalarType.Float64)));
    }
}
