using System.Runtime.InteropServices;
using Convoy.Torch.Kernels;
using Convoy.Torch.Normalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Torch.Tests.Normalization;

/// <summary>The kernels against libtorch's operations in float64.</summary>
public sealed class ChannelPassTests
{
    public static TheoryData<ScalarType, long, bool> Cases()
    {
        var cases = new TheoryData<ScalarType, long, bool>();
        foreach (ScalarType type in (ScalarType[])[ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16])
        {
            foreach (long channels in (long[])[1, 7, 16, 45])
            {
                cases.Add(type, channels, false);
                cases.Add(type, channels, true);
            }
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Run_GradientSums_AreTheSumsForAnyThreads(ScalarType type, long channels, bool channelsLast)
    {
        using var scope = NewDisposeScope();
        (Tensor x, Tensor dy, ChannelLayout layout) = Tensors(type, channels, channelsLast);
        ChannelConstants constants = Constants(channels);
        double[] sums = ChannelPass.Run<GradientSums>(new ChannelOperands(x, dy), layout, constants, 1);
        Assert.Equal(sums, ChannelPass.Run<GradientSums>(new ChannelOperands(x, dy), layout, constants, 3));

        Tensor wide = dy.to(float64), centred = x.to(float64) - PerChannel(constants.Mean);
        AssertSums(cat([wide.sum([0, 2, 3]), (wide * centred).sum([0, 2, 3])]), sums, type);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Run_Moments_AreTheSumsOfDifferencesAndSquares(ScalarType type, long channels, bool channelsLast)
    {
        using var scope = NewDisposeScope();
        (Tensor x, _, ChannelLayout layout) = Tensors(type, channels, channelsLast);
        ChannelConstants constants = Constants(channels);
        Tensor centred = x.to(float64) - PerChannel(constants.Mean);
        AssertSums(cat([centred.sum([0, 2, 3]), centred.square().sum([0, 2, 3])]), ChannelPass.Run<Moments>(new ChannelOperands(x), layout, constants, 2), type);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Run_ReluGradientSums_LeaveOutWhatReluCuts(ScalarType type, long channels, bool channelsLast)
    {
        using var scope = NewDisposeScope();
        (Tensor x, Tensor dy, ChannelLayout layout) = Tensors(type, channels, channelsLast);
        ChannelConstants constants = Constants(channels);
        Tensor centred = x.to(float64) - PerChannel(constants.Mean);
        Tensor passed = dy.to(float64) * ((centred * PerChannel(constants.Scale!)) + PerChannel(constants.Bias!)).gt(0);
        AssertSums(cat([passed.sum([0, 2, 3]), (passed * centred).sum([0, 2, 3])]), ChannelPass.Run<ReluGradientSums>(new ChannelOperands(x, dy), layout, constants, 2), type);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Run_AddReluGradientSums_WriteTheMaskedGradient(ScalarType type, long channels, bool channelsLast)
    {
        using var scope = NewDisposeScope();
        (Tensor x, Tensor dy, ChannelLayout layout) = Tensors(type, channels, channelsLast);
        ChannelConstants constants = Constants(channels);
        Tensor output = (x - 1).relu(), result = empty_like(x);
        double[] sums = ChannelPass.Run<AddReluGradientSums>(new ChannelOperands(x, dy, output, result), layout, constants, 2);

        Tensor expected = dy * output.gt(0);
        Assert.True(result.equal(expected).all().item<bool>());
        Tensor wide = expected.to(float64), centred = x.to(float64) - PerChannel(constants.Mean);
        AssertSums(cat([wide.sum([0, 2, 3]), (wide * centred).sum([0, 2, 3])]), sums, type);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Run_InputGradient_IsTheExpression(ScalarType type, long channels, bool channelsLast)
    {
        using var scope = NewDisposeScope();
        (Tensor x, Tensor dy, ChannelLayout layout) = Tensors(type, channels, channelsLast);
        ChannelConstants constants = Constants(channels);
        Tensor result = empty_like(x);
        ChannelPass.Run<InputGradient>(new ChannelOperands(x, dy, Result: result), layout, constants, 2);

        Tensor centred = x.to(float64) - PerChannel(constants.Mean);
        AssertClose((dy.to(float64) * PerChannel(constants.Scale!)) + (centred * PerChannel(constants.Slope!)) + PerChannel(constants.Intercept!), result);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Run_NormalizeAddRelu_IsTheExpression(ScalarType type, long channels, bool channelsLast)
    {
        using var scope = NewDisposeScope();
        (Tensor x, Tensor other, ChannelLayout layout) = Tensors(type, channels, channelsLast);
        ChannelConstants constants = Constants(channels);
        Tensor added = empty_like(x), alone = empty_like(x);
        ChannelPass.Run<NormalizeAddRelu>(new ChannelOperands(x, Other: other, Result: added), layout, constants, 2);
        ChannelPass.Run<NormalizeRelu>(new ChannelOperands(x, Result: alone), layout, constants, 2);

        Tensor normalized = ((x.to(float64) - PerChannel(constants.Mean)) * PerChannel(constants.Scale!)) + PerChannel(constants.Bias!);
        AssertClose((normalized + other.to(float64)).relu(), added);
        AssertClose(normalized.relu(), alone);
    }

    [Fact]
    public void Run_NormalizeRelu_LetsWhatIsNotANumberThrough()
    {
        using var scope = NewDisposeScope();
        Tensor x = full([1, 3, 5, 5], float.NaN), result = zeros_like(x);
        ChannelPass.Run<NormalizeRelu>(new ChannelOperands(x, Result: result), new ChannelLayout(false, 1, 3, 25), Constants(3), 1);
        Assert.True(result.isnan().all().item<bool>());
    }

    [Fact]
    public void BFloat16Elements_Store_RoundAsLibtorchDoes()
    {
        using var scope = NewDisposeScope();
        float[] special = [0, -0f, 1, 1.00390625f, 1.01171875f, -1.00390625f, float.MaxValue, float.NegativeInfinity, float.NaN, float.Epsilon, 3.14159f, -2.71828f];
        float[] values = [.. Enumerable.Range(0, 64).Select(i => i < 2 * special.Length ? special[i % special.Length] : MathF.Sin(i) * 1000)];
        Tensor dy = tensor(values).reshape(1, 1, 1, 64);
        short[] expected = MemoryMarshal.Cast<byte, short>(dy.to(ScalarType.BFloat16).bytes).ToArray();
        short[] vectors = new short[64], singles = new short[64];
        unsafe
        {
            int width = System.Numerics.Vector<float>.Count;
            fixed (short* toVectors = vectors, toSingles = singles)
            {
                for (int i = 0; i < 64; i++)
                {
                    BFloat16Elements.Store((byte*)toSingles, i, values[i]);
                }

                for (int i = 0; i < 64; i += 2 * width)
                {
                    BFloat16Elements.Store((byte*)toVectors, i, new(values, i), new(values, i + width));
                }
            }
        }

        // libtorch has several patterns for what is not a number.
        foreach (short[] stored in (short[][])[expected, singles, vectors])
        {
            for (int i = 0; i < 64; i++)
            {
                Assert.Equal(float.IsNaN(values[i]), (stored[i] & 0x7FFF) > 0x7F80);
                stored[i] = float.IsNaN(values[i]) ? (short)0x7FC0 : stored[i];
            }
        }

        Assert.Equal(expected, singles);
        Assert.Equal(expected, vectors);
    }

    // Exact in every type.
    private static ChannelConstants Constants(long channels)
    {
        double[] Values(double step, double start) => [.. Enumerable.Range(0, (int)channels).Select(c => (c * step) + start)];
        return new ChannelConstants(Values(0.125, 0)) { Scale = Values(0.0625, 1), Bias = Values(-0.125, 0.5), Slope = Values(-0.0625, -1), Intercept = Values(0.0625, 4) };
    }

    private static Tensor PerChannel(double[] values) => tensor(values).reshape(1, -1, 1, 1);

    private static void AssertSums(Tensor expected, double[] sums, ScalarType type)
    {
        double tolerance = type == ScalarType.Float64 ? 1e-10 : 2e-3; // Sums of about 4,000 numbers.
        Assert.True((tensor(sums) - expected).abs().max().item<double>() < tolerance * Math.Max(1, expected.abs().max().item<double>() / 1000));
    }

    private static void AssertClose(Tensor expected, Tensor actual)
    {
        double tolerance = actual.dtype switch { ScalarType.Float64 => 1e-13, ScalarType.Float32 => 1e-6, _ => 0.004 }; // bfloat16: half a unit in the last place.
        Assert.True(((actual.to(float64) - expected).abs() <= tolerance * (expected.abs() + 8)).all().item<bool>());
    }

    private static (Tensor X, Tensor Dy, ChannelLayout Layout) Tensors(ScalarType type, long channels, bool channelsLast)
    {
        using var generator = new Generator(1);
        Tensor Next()
        {
            Tensor values = (randn([3, channels, 31, 43], float64, generator: generator) + 1).to(type);
            return channelsLast ? values.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2) : values;
        }

        (Tensor x, ChannelLayout layout) = ChannelLayout.MakeDense(Next());
        (Tensor dy, _) = ChannelLayout.MakeDense(Next(), layout.ChannelsLast);
        return (x, dy, layout);
    }
}
