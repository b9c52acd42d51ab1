using Convoy.Torch.Kernels;

namespace Convoy.Torch.Tests.Kernels;

/// <summary>bfloat16 in pairs of vectors of every width, bit by bit against the conversion of one number, which <see cref="NarrowConversionTests"/> compares with libtorch's.</summary>
public sealed unsafe class LaneElementsTests
{
    [Fact]
    public void Load_EveryPattern_IsTheNumberInTheOrderOfTheRegisters()
    {
        ushort[] patterns = [.. Enumerable.Range(0, 1 << 16).Select(bits => (ushort)bits)];
        uint[] expected = [.. patterns.Select(pattern => BitConverter.SingleToUInt32Bits(BFloat16Conversion.Widen(pattern)))];
        foreach (VectorWidth width in VectorWidths.Supported)
        {
            Assert.Equal(expected, Of(width, patterns, (values, numbers) => Widths.Load(width, values, numbers)));
        }
    }

    [Fact]
    public void Store_AnyBits_RoundAsOneNumber()
    {
        var random = new Random(5);
        uint[] bits = [.. Enumerable.Range(0, 1 << 20).Select(i => i < (1 << 18) ? (uint)(i << 14) + 0x7FFF + (uint)(i % 3) : (uint)random.NextInt64(1L << 32))];
        float[] values = [.. bits.Select(BitConverter.UInt32BitsToSingle)];
        ushort[] expected = [.. values.Select(BFloat16Conversion.Narrow)];
        foreach (VectorWidth width in VectorWidths.Supported)
        {
            ushort[] stored = new ushort[values.Length];
            fixed (float* from = values)
            {
                fixed (ushort* to = stored)
                {
                    Widths.Store(width, from, values.Length, to);
                }
            }

            Assert.Equal(expected, stored);
        }
    }

    private delegate void Reader(ushort[] values, float[] numbers);

    private static uint[] Of(VectorWidth width, ushort[] patterns, Reader read)
    {
        float[] numbers = new float[patterns.Length];
        read(patterns, numbers);
        var order = new ElementOrder(2 * (int)width / 32);
        return [.. Enumerable.Range(0, numbers.Length).Select(i => BitConverter.SingleToUInt32Bits(numbers[order.Place(i, numbers.Length)]))];
    }

    private static class Widths
    {
        public static void Load(VectorWidth width, ushort[] values, float[] numbers)
        {
            switch (width)
            {
                case VectorWidth.Bits512:
                    Load<Lanes512>(values, numbers);
                    break;
                case VectorWidth.Bits256:
                    Load<Lanes256>(values, numbers);
                    break;
                default:
                    Load<Lanes128>(values, numbers);
                    break;
            }
        }

        public static void Store(VectorWidth width, float* values, int count, ushort* to)
        {
            switch (width)
            {
                case VectorWidth.Bits512:
                    Store<Lanes512>(values, count, to);
                    break;
                case VectorWidth.Bits256:
                    Store<Lanes256>(values, count, to);
                    break;
                default:
                    Store<Lanes128>(values, count, to);
                    break;
            }
        }

        private static void Load<TLanes>(ushort[] values, float[] numbers)
            where TLanes : unmanaged, ILanes<TLanes>
        {
            fixed (ushort* from = values)
            {
                fixed (float* to = numbers)
                {
                    for (int i = 0; i < values.Length; i += 2 * TLanes.Count)
                    {
                        BFloat16Elements<TLanes>.Load((byte*)from, i, out TLanes even, out TLanes odd);
                        TLanes.Store(even, to + i);
                        TLanes.Store(odd, to + i + TLanes.Count);
                    }
                }
            }
        }

        // Two vectors of neighbours in memory: each takes every second number.
        private static void Store<TLanes>(float* values, int count, ushort* to)
            where TLanes : unmanaged, ILanes<TLanes>
        {
            float* pair = stackalloc float[2 * TLanes.Count];
            var order = new ElementOrder(2 * TLanes.Count);
            for (int i = 0; i < count; i += 2 * TLanes.Count)
            {
                for (int k = 0; k < 2 * TLanes.Count; k++)
                {
                    pair[order.Place(k, 2 * TLanes.Count)] = values[i + k];
                }

                BFloat16Elements<TLanes>.Store((byte*)to, i, TLanes.Load(pair), TLanes.Load(pair + TLanes.Count));
            }
        }
    }
}
