using System.Runtime.InteropServices;
using Convoy.Distributed.Nn.Normalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.Nn.Normalization;

/// <summary>The kernels against libtorch's operations in float64.</summary>
public sealed class ChannelKernelTests
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
    public void ChannelSums_AnyLayoutAndThreads_AreTheSums(ScalarType type, long channels, bool channelsLast)
    {
        using var scope = NewDisposeScope();
        (Tensor x, Tensor dy, ChannelLayout layout) = Tensors(type, channels, channelsLast);
        double[] shift = [.. Enumerable.Range(0, (int)channels).Select(c => c / 8.0)]; // Exact in every type.
        double[] sums = ChannelSums.Compute<GradientTerms>(x, dy, layout, shift, 1);
        Assert.Equal(sums, ChannelSums.Compute<GradientTerms>(x, dy, layout, shift, 3));

        Tensor wide = dy.to(float64);
        Tensor expected = cat([wide.sum([0, 2, 3]), (wide * (x.to(float64) - tensor(shift).reshape(1, -1, 1, 1))).sum([0, 2, 3])]);
        double tolerance = type == ScalarType.Float64 ? 1e-10 : 1e-3; // Sums of about 4,000 numbers of size 6.
        Assert.True((tensor(sums) - expected).abs().max().item<double>() < tolerance);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void ChannelAffine_AnyLayoutAndThreads_IsTheExpression(ScalarType type, long channels, bool channelsLast)
    {
        using var scope = NewDisposeScope();
        (Tensor x, Tensor dy, ChannelLayout layout) = Tensors(type, channels, channelsLast);
        double[] a = [.. Enumerable.Range(0, (int)channels).Select(c => 1 + (c / 16.0))];
        double[] shift = [.. a.Select(v => v / 2)], b = [.. a.Select(v => -v)], c = [.. a.Select(v => v + 3)];
        Tensor result = empty_like(x);
        ChannelAffine.Compute(x, dy, result, layout, shift, a, b, c, 2);

        Tensor PerChannel(double[] values) => tensor(values).reshape(1, -1, 1, 1);
        Tensor expected = (dy.to(float64) * PerChannel(a)) + ((x.to(float64) - PerChannel(shift)) * PerChannel(b)) + PerChannel(c);
        double tolerance = type switch { ScalarType.Float64 => 1e-12, ScalarType.Float32 => 1e-5, _ => 0.26 }; // bfloat16: half a unit in the last place of 64.
        Assert.True((result.to(float64) - expected).abs().max().item<double>() < tolerance);
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

    private static (Tensor X, Tensor Dy, ChannelLayout Layout) Tensors(ScalarType type, long channels, bool channelsLast)
    {
        using var generator = new Generator(1);
        Tensor Next()
        {
            Tensor values = (randn([3, channels, 31, 43], float64, generator: generator) + 1).to(type);
            return channelsLast ? values.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2) : values;
        }

        (Tensor x, ChannelLayout layout) = ChannelLayout.Of(Next());
        (Tensor dy, _) = ChannelLayout.Of(Next(), layout.ChannelsLast);
        return (x, dy, layout);
    }
}
