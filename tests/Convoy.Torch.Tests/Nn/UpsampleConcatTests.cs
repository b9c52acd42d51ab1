using Convoy.Torch.Interpolation;
using Convoy.Torch.Nn;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Torch.Tests.Nn;

public sealed class UpsampleConcatTests
{
    [Theory]
    [InlineData(2, 128, 12, 25, 256, 23, 50)]
    [InlineData(1, 128, 23, 50, 128, 45, 100)]
    [InlineData(4, 64, 10, 12, 64, 20, 24)]
    [InlineData(3, 5, 3, 4, 7, 6, 8)]
    [InlineData(2, 17, 5, 7, 35, 11, 13)]
    [InlineData(1, 1, 1, 1, 1, 1, 1)]
    [InlineData(2, 8, 1, 1, 8, 5, 3)]
    [InlineData(2, 33, 4, 5, 16, 4, 5)]
    [InlineData(2, 16, 9, 11, 16, 4, 5)]
    public void Join_Float32_EqualsPlainOperations(int batch, int deepChannels, int deepHeight, int deepWidth, int skipChannels, int height, int width)
    {
        using var scope = NewDisposeScope();
        (Tensor deep, Tensor skip) = Features([batch, deepChannels, deepHeight, deepWidth], [batch, skipChannels, height, width], ScalarType.Float32);

        (Tensor expected, Tensor expectedDeep, Tensor expectedSkip) = Plain(deep, skip);
        (Tensor joined, Tensor deepGradient, Tensor skipGradient) = Fused(deep, skip);

        TensorAssert.Close(expected, joined, 1e-6);
        TensorAssert.Close(expectedDeep, deepGradient, 1e-6);
        TensorAssert.Identical(expectedSkip, skipGradient);
    }

    [Theory]
    [InlineData(2, 128, 12, 25, 256, 23, 50)]
    [InlineData(2, 64, 10, 12, 64, 20, 24)]
    [InlineData(2, 17, 5, 7, 35, 11, 13)]
    [InlineData(1, 1, 1, 1, 1, 1, 1)]
    public void Join_BFloat16_IsFloat32sRoundedOnce(int batch, int deepChannels, int deepHeight, int deepWidth, int skipChannels, int height, int width)
    {
        using var scope = NewDisposeScope();
        (Tensor deep, Tensor skip) = Features([batch, deepChannels, deepHeight, deepWidth], [batch, skipChannels, height, width], ScalarType.BFloat16);
        (Tensor expected, Tensor expectedDeep, Tensor expectedSkip) = Fused(deep.to(ScalarType.Float32), skip.to(ScalarType.Float32));
        (Tensor plain, Tensor plainDeep, _) = Plain(deep, skip);

        (Tensor joined, Tensor deepGradient, Tensor skipGradient) = Fused(deep, skip);

        Assert.Equal((ScalarType.BFloat16, ScalarType.BFloat16, ScalarType.BFloat16), (joined.dtype, deepGradient.dtype, skipGradient.dtype));
        TensorAssert.Identical(expected.to(ScalarType.BFloat16), joined);
        TensorAssert.Identical(expectedDeep.to(ScalarType.BFloat16), deepGradient);
        TensorAssert.Identical(expectedSkip.to(ScalarType.BFloat16), skipGradient);

        // libtorch rounds more often.
        TensorAssert.Close(plain, joined, 1.0 / 256);
        TensorAssert.Close(plainDeep, deepGradient, 1.0 / 64);
    }

    [Fact]
    public void Join_ChannelsLast_StaysSoAlsoInTheGradients()
    {
        using var scope = NewDisposeScope();
        (Tensor deep, Tensor skip) = Features([2, 16, 3, 4], [2, 16, 6, 8], ScalarType.Float32);

        (Tensor joined, Tensor deepGradient, _) = Fused(deep, skip);

        Assert.True(joined.permute(0, 2, 3, 1).is_contiguous());
        Assert.True(deepGradient.permute(0, 2, 3, 1).is_contiguous());
    }

    [Theory]
    [InlineData(ScalarType.Float32, false)]
    [InlineData(ScalarType.Float64, true)]
    [InlineData(ScalarType.Float64, false)]
    public void Join_OtherLayoutsAndTypes_EqualsPlainOperations(ScalarType dtype, bool channelsLast)
    {
        using var scope = NewDisposeScope();
        (Tensor deep, Tensor skip) = Features([2, 6, 3, 4], [2, 5, 7, 9], dtype);
        if (!channelsLast)
        {
            (deep, skip) = (deep.contiguous(), skip.contiguous());
        }

        (Tensor expected, Tensor expectedDeep, Tensor expectedSkip) = Plain(deep, skip);
        (Tensor joined, Tensor deepGradient, Tensor skipGradient) = Fused(deep, skip);

        TensorAssert.Identical(expected, joined);
        TensorAssert.Identical(expectedDeep, deepGradient);
        TensorAssert.Identical(expectedSkip, skipGradient);
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Join_TwoThreads_GivesTheSameBits(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        (Tensor deep, Tensor skip) = Features([2, 24, 12, 25], [2, 16, 23, 50], dtype);
        set_num_threads(1);
        (Tensor expected, Tensor expectedDeep, Tensor expectedSkip) = Fused(deep, skip);
        set_num_threads(2);
        try
        {
            (Tensor joined, Tensor deepGradient, Tensor skipGradient) = Fused(deep, skip);

            TensorAssert.Identical(expected, joined);
            TensorAssert.Identical(expectedDeep, deepGradient);
            TensorAssert.Identical(expectedSkip, skipGradient);
        }
        finally
        {
            set_num_threads(1);
        }
    }

    [Fact]
    public void Join_CreateGraph_HasThePlainSecondDerivative()
    {
        using var scope = NewDisposeScope();
        (Tensor deep, Tensor skip) = Features([2, 6, 3, 4], [2, 5, 7, 9], ScalarType.Float32);
        using var join = new FusedUpsampleConcat();

        Tensor Second(Func<Tensor, Tensor, Tensor> function)
        {
            (Tensor first, Tensor second) = (deep.detach().requires_grad_(), skip.detach().requires_grad_());
            Tensor slope = autograd.grad([function(first, second).pow(3).sum()], [first], retain_graph: true, create_graph: true)[0];
            return autograd.grad([(slope * slope).sum()], [first])[0];
        }

        TensorAssert.Close(Second(new UpsampleConcat().call), Second(join.call), 1e-5);
    }

    [Fact]
    public void Join_100Times_KeepsLiveTensorsFlat()
    {
        using var scope = NewDisposeScope();
        (Tensor deep, Tensor skip) = Features([2, 6, 3, 4], [2, 5, 7, 9], ScalarType.Float32);
        using var join = new FusedUpsampleConcat();
        long after10 = 0;
        for (int i = 0; i < 100; i++)
        {
            using (NewDisposeScope())
            {
                join.call(deep.detach().requires_grad_(), skip.detach().requires_grad_()).sum().backward();
            }

            after10 = i == 9 ? DisposeScopeManager.Statistics.ThreadTotalLiveCount : after10;
        }

        Assert.Equal(after10, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void Join_OutsideADisposeScope_LeavesNoTensorBehind()
    {
        using var scope = NewDisposeScope();
        (Tensor deep, Tensor skip) = Features([2, 6, 3, 4], [2, 5, 7, 9], ScalarType.Float32);
        (Tensor first, Tensor second) = (deep.requires_grad_(), skip.requires_grad_());
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        using (var join = new FusedUpsampleConcat())
        {
            using Tensor joined = join.call(first, second);
            using Tensor gradient = ones_like(joined);
            foreach (Tensor one in autograd.grad([joined], [first, second], [gradient]))
            {
                one.Dispose();
            }
        }

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private static (Tensor Deep, Tensor Skip) Features(long[] deep, long[] skip, ScalarType dtype)
    {
        var generator = new Generator(5, CPU);
        return (ChannelsLast(randn(deep, generator: generator).to(dtype)), ChannelsLast(randn(skip, generator: generator).to(dtype)));
    }

    private static Tensor ChannelsLast(Tensor features) => features.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);

    private static (Tensor Joined, Tensor Deep, Tensor Skip) Plain(Tensor deep, Tensor skip) => Gradients(new UpsampleConcat().call, deep, skip);

    private static (Tensor Joined, Tensor Deep, Tensor Skip) Fused(Tensor deep, Tensor skip)
    {
        using var join = new FusedUpsampleConcat();
        return Gradients(join.call, deep, skip);
    }

    private static (Tensor Joined, Tensor Deep, Tensor Skip) Gradients(Func<Tensor, Tensor, Tensor> function, Tensor deep, Tensor skip)
    {
        (Tensor first, Tensor second) = (deep.detach().requires_grad_(), skip.detach().requires_grad_());
        Tensor joined = function(first, second);
        Tensor gradient = randn(joined.shape, generator: new Generator(6, CPU)).to(ScalarType.BFloat16).to(joined.dtype);
        joined.backward([gradient]);
        return (joined.detach(), first.grad!, second.grad!);
    }
}
