using System.Numerics;
using System.Runtime.InteropServices;
using Convoy.Torch.Kernels;
using static TorchSharp.torch;

namespace Convoy.Torch.Tests.Kernels;

/// <summary>bfloat16 and float16: one number against vectors, bit by bit, and both against libtorch.</summary>
public sealed class NarrowConversionTests
{
    public static TheoryData<ScalarType> Types() => [ScalarType.BFloat16, ScalarType.Float16];

    [Theory]
    [MemberData(nameof(Types))]
    public void Widen_EveryPattern_IsTheSameInVectorsAndInLibtorch(ScalarType type)
    {
        ushort[] all = [.. Enumerable.Range(0, 1 << 16).Select(bits => (ushort)bits)];
        uint[] expected = ThroughLibtorch(all, type), scalar = [.. all.Select(value => Bits(type == ScalarType.BFloat16 ? BFloat16Conversion.Widen(value) : Float16Conversion.Widen(value)))];
        uint[] vectors = new uint[all.Length];
        for (int i = 0; i < all.Length; i += Vector<ushort>.Count)
        {
            var values = new Vector<ushort>(all, i);
            Vector<float> first, second;
            if (type == ScalarType.BFloat16)
            {
                BFloat16Conversion.Widen(values, out first, out second);
            }
            else
            {
                Float16Conversion.Widen(values, out first, out second);
            }

            Vector.AsVectorUInt32(first).CopyTo(vectors, i);
            Vector.AsVectorUInt32(second).CopyTo(vectors, i + Vector<uint>.Count);
        }

        Assert.Equal(expected, scalar);
        Assert.Equal(expected, vectors);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Narrow_NumbersAndTheMiddlesBetweenThem_AreTheSameInVectorsAndInLibtorch(ScalarType type)
    {
        // Each pattern's own value, the middle to its neighbour and what lies closest to both, infinities and NaN among them; and any bits.
        var random = new Random(3);
        uint unit = type == ScalarType.BFloat16 ? 1u << 16 : 1u << 13;
        ushort[] patterns = [.. Enumerable.Range(0, 1 << 16).Select(bits => (ushort)bits)];
        uint[] around = [.. ThroughLibtorch(patterns, type).SelectMany(bits => (uint[])[bits, bits + 1, bits + (unit / 2) - 1, bits + (unit / 2), bits + (unit / 2) + 1, bits + unit - 1])];
        uint[] any = [.. Enumerable.Range(0, 1 << 20).Select(_ => (uint)random.NextInt64(1L << 32))];
        uint[] tiny = [.. Enumerable.Range(0, 1 << 18).Select(i => (uint)(i << 12))];
        float[] values = [.. around.Concat(any).Concat(tiny).Select(BitConverter.UInt32BitsToSingle)];

        AssertNarrow(values, type);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Narrow_NaN_StaysNaN(ScalarType type)
    {
        // Every payload that one bit, or a run of bits, makes, of both signs; and any other.
        var random = new Random(5);
        IEnumerable<uint> bits = Enumerable.Range(0, 23).SelectMany(i => (uint[])[1u << i, (1u << i) - 1, ~((1u << i) - 1)]).Concat(Enumerable.Range(0, 1 << 16).Select(_ => (uint)random.Next()));
        uint[] payloads = [.. bits.Select(value => value & 0x7FFFFF).Where(payload => payload != 0)];
        float[] values = [.. payloads.SelectMany(payload => (uint[])[0x7F800000 | payload, 0xFF800000 | payload]).Select(BitConverter.UInt32BitsToSingle)];

        ushort[] narrow = AssertNarrow(values, type);

        Assert.All(narrow, value => Assert.True(type == ScalarType.BFloat16 ? value == BFloat16Conversion.NaN : (value & 0x7FFF) >= 0x7E00, $"{value:X4}"));
    }

    [Fact]
    public void Narrow_ToBFloat16_FollowsTheDefinition()
    {
        Assert.Equal(0x3F80, BFloat16Conversion.Narrow(1));
        Assert.Equal(0x7F80, BFloat16Conversion.Narrow(float.MaxValue));
        Assert.Equal(0x3F80, BFloat16Conversion.Narrow(BitConverter.UInt32BitsToSingle(0x3F808000)));
        Assert.Equal(0x3F82, BFloat16Conversion.Narrow(BitConverter.UInt32BitsToSingle(0x3F818000)));
        Assert.Equal(0x7FC0, BFloat16Conversion.Narrow(BitConverter.UInt32BitsToSingle(0xFF800001)));
    }

    // One number, vectors and libtorch give the same bits. libtorch's bfloat16 NaN depends on the instructions that it runs with.
    private static ushort[] AssertNarrow(float[] values, ScalarType type)
    {
        int count = values.Length, width = Vector<ushort>.Count;
        Array.Resize(ref values, (values.Length + width - 1) / width * width);
        ushort[] scalar = [.. values.Select(value => type == ScalarType.BFloat16 ? BFloat16Conversion.Narrow(value) : Float16Conversion.Narrow(value))];
        ushort[] vectors = new ushort[values.Length];
        for (int i = 0; i < values.Length; i += width)
        {
            Vector<float> first = new(values, i), second = new(values, i + (width / 2));
            (type == ScalarType.BFloat16 ? BFloat16Conversion.Narrow(first, second) : Float16Conversion.Narrow(first, second)).CopyTo(vectors, i);
        }

        using Tensor wide = tensor(values);
        using Tensor narrow = wide.to(type);
        ushort[] expected = MemoryMarshal.Cast<byte, ushort>(narrow.bytes).ToArray();
        if (type == ScalarType.BFloat16)
        {
            expected = [.. expected.Select(value => (value & 0x7FFF) > 0x7F80 ? BFloat16Conversion.NaN : value)];
        }

        Assert.Equal(expected, scalar);
        Assert.Equal(expected, vectors);
        return scalar[..count];
    }

    private static uint Bits(float value) => BitConverter.SingleToUInt32Bits(value);

    private static uint[] ThroughLibtorch(ushort[] patterns, ScalarType type)
    {
        using Tensor narrow = zeros([patterns.Length], type);
        patterns.CopyTo(MemoryMarshal.Cast<byte, ushort>(narrow.bytes));
        using Tensor wide = narrow.to(ScalarType.Float32);
        return MemoryMarshal.Cast<byte, uint>(wide.bytes).ToArray();
    }
}
