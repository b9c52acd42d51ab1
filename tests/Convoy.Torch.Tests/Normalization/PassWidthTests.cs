using Convoy.Torch.Interop;
using Convoy.Torch.Interpolation;
using Convoy.Torch.Kernels;
using Convoy.Torch.Normalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Torch.Tests.Normalization;

/// <summary>Every width of vectors and number of threads gives the bits of 128 bits and one thread.</summary>
public sealed unsafe class PassWidthTests
{
    public static TheoryData<ScalarType, long, bool> Cases()
    {
        var cases = new TheoryData<ScalarType, long, bool>();
        foreach (ScalarType type in (ScalarType[])[ScalarType.Float32, ScalarType.BFloat16, ScalarType.Float64])
        {
            foreach (long channels in (long[])[3, 16, 24, 45, 64, 100])
            {
                cases.Add(type, channels, false);
                cases.Add(type, channels, true);
            }
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void ChannelPass_AnyWidth_GivesTheSameBits(ScalarType type, long channels, bool channelsLast)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(2);
        Tensor Next() => Layout((randn([2, channels, 19, 37], float64, generator: generator) + 0.3).to(type), channelsLast);
        Tensor x = Next(), dy = Next(), other = Next();
        (_, ChannelLayout layout) = ChannelLayout.MakeDense(x);
        ChannelConstants constants = Constants(channels);

        AssertSame<Moments>(x, null, null, layout, constants);
        AssertSame<NormalizeRelu>(x, null, null, layout, constants);
        AssertSame<NormalizeAddRelu>(x, null, other, layout, constants);
        AssertSame<GradientSums>(x, dy, null, layout, constants);
        AssertSame<ReluGradientSums>(x, dy, null, layout, constants);
        AssertSame<AddReluGradientSums>(x, dy, other, layout, constants);
        AssertSame<InputGradient>(x, dy, null, layout, constants);
        AssertSame<ReluInputGradient>(x, dy, null, layout, constants);
    }

    [Theory]
    [InlineData(ScalarType.Float32, 64)]
    [InlineData(ScalarType.BFloat16, 64)]
    [InlineData(ScalarType.BFloat16, 37)]
    [InlineData(ScalarType.Float32, 21)]
    [InlineData(ScalarType.Float64, 19)]
    public void NormalizeReluMaxPool_AnyWidth_GivesTheSameBits(ScalarType type, long channels)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        Tensor x = Layout(randn([2, channels, 13, 18], float64, generator: generator).to(type), true), dy = Layout(randn([2, channels, 7, 9], float64, generator: generator).to(type), true);
        ChannelConstants constants = Constants(channels);
        Tensor[] All(VectorWidth width, int threads)
        {
            (Tensor output, Tensor greatest, Tensor places) = NormalizeReluMaxPool.Forward(x, constants, threads, width);
            return [output, greatest, places, NormalizeReluMaxPool.Backward(x, dy, places, constants, threads, width)];
        }

        Tensor[] expected = All(VectorWidth.Bits128, 1);
        foreach (VectorWidth width in VectorWidths.Supported)
        {
            foreach ((Tensor one, Tensor another) in expected.Zip(All(width, 3)))
            {
                TensorAssert.Identical(one, another);
            }
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32, 64, 32)]
    [InlineData(ScalarType.BFloat16, 64, 32)]
    [InlineData(ScalarType.BFloat16, 37, 5)]
    [InlineData(ScalarType.Float32, 21, 16)]
    public void UpsampleConcat_AnyWidth_GivesTheSameBits(ScalarType type, long deepChannels, long skipChannels)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(4);
        Tensor Next(params long[] shape) => Layout(randn(shape, float64, generator: generator).to(type), true);
        Tensor deep = Next(2, deepChannels, 6, 9), skip = Next(2, skipChannels, 11, 18), gradient = Next(2, deepChannels + skipChannels, 11, 18);
        var shape = new UpsampleConcatShape(deep.shape, skip.shape);
        Tensor[] All(VectorWidth width, int threads)
        {
            Tensor joined = empty_like(gradient), deepGradient = empty_like(deep), skipGradient = empty_like(skip);
            UpsampleConcatKernel.Forward(TensorMemory.Address(deep), TensorMemory.Address(skip), TensorMemory.Address(joined), type, shape, threads, width);
            UpsampleConcatKernel.Backward(TensorMemory.Address(gradient), TensorMemory.Address(deepGradient), TensorMemory.Address(skipGradient), type, shape, threads, width);
            return [joined, deepGradient, skipGradient];
        }

        Tensor[] expected = All(VectorWidth.Bits128, 1);
        foreach (VectorWidth width in VectorWidths.Supported)
        {
            foreach ((Tensor one, Tensor another) in expected.Zip(All(width, 3)))
            {
                TensorAssert.Identical(one, another);
            }
        }
    }

    private static void AssertSame<TOperation>(Tensor x, Tensor? gradient, Tensor? other, ChannelLayout layout, ChannelConstants constants)
        where TOperation : IChannelOperation
    {
        (double[] Sums, Tensor Result) Run(VectorWidth width, int threads)
        {
            Tensor result = zeros_like(x);
            return (ChannelPass.Run<TOperation>(new ChannelOperands(x, gradient, other, result), layout, constants, threads, width), result);
        }

        (double[] sums, Tensor expected) = Run(VectorWidth.Bits128, 1);
        foreach (VectorWidth width in VectorWidths.Supported)
        {
            (double[] otherSums, Tensor result) = Run(width, 3);
            Assert.Equal(sums, otherSums);
            TensorAssert.Identical(expected, result);
        }
    }

    private static ChannelConstants Constants(long channels)
    {
        double[] Values(double step, double start) => [.. Enumerable.Range(0, (int)channels).Select(c => (c * step) + start)];
        return new ChannelConstants(Values(0.013, -0.2)) { Scale = Values(-0.017, 1), Bias = Values(0.011, -0.4), Slope = Values(-0.019, -1), Intercept = Values(0.007, 0.3) };
    }

    private static Tensor Layout(Tensor values, bool channelsLast) => channelsLast ? values.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2) : values;
}
