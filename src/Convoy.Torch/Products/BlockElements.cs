using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Convoy.Torch.Interop;
using Convoy.Torch.Kernels;

namespace Convoy.Torch.Products;

/// <summary>How numbers of a type are laid out for <see cref="BlockProductExports"/>, on x64.</summary>
/// <typeparam name="T">The type.</typeparam>
internal unsafe interface IBlockElements<T>
    where T : unmanaged
{
    /// <summary>Rows of the right matrix that lie together, number by number; sums have a multiple of it as length.</summary>
    static abstract int Together { get; }

    /// <summary>to[channel, position] = rows[position][channel].</summary>
    /// <param name="rows">Where the channels of each position lie, <paramref name="positions"/> pointers.</param>
    /// <param name="first">The first channel.</param>
    /// <param name="channels">How many; a multiple of 16.</param>
    /// <param name="positions">How many; a multiple of 32.</param>
    /// <param name="to">The transpose.</param>
    /// <param name="toRow">Numbers from a row of it to the next.</param>
    static abstract void Transpose(T** rows, int first, int channels, int positions, T* to, int toRow);

    /// <summary>to[position / Together, channel, position % Together] = rows[position][channel].</summary>
    /// <param name="rows">Where the channels of each position lie, <paramref name="positions"/> pointers.</param>
    /// <param name="first">The first channel.</param>
    /// <param name="channels">How many; a multiple of 16.</param>
    /// <param name="positions">How many; a multiple of <see cref="Together"/>.</param>
    /// <param name="to">A right matrix.</param>
    static abstract void PackRight(T** rows, int first, int channels, int positions, T* to);

    /// <summary>to = sums + bias, rounded once.</summary>
    /// <param name="sums">[positions, channels].</param>
    /// <param name="bias">A number for each channel; null for none.</param>
    /// <param name="positions">How many.</param>
    /// <param name="channels">How many; a multiple of 32.</param>
    /// <param name="to">The channels of the first position.</param>
    /// <param name="toRow">Numbers from a position to the next.</param>
    static abstract void Store(float* sums, float* bias, int positions, int channels, T* to, int toRow);

    /// <summary>See <see cref="BlockProductExports"/>.</summary>
    static abstract void Multiply(BlockProductExports products, in BlockProduct size, T* left, T* right, float* result, bool add);

    /// <summary>Gives back what products hold of this thread.</summary>
    static abstract void Release(BlockProductExports products);
}

/// <summary>float32, with vectors of 512 or 256 bits.</summary>
internal readonly unsafe struct SingleBlockElements : IBlockElements<float>
{
    public static int Together => 1;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose(float** rows, int first, int channels, int positions, float* to, int toRow)
    {
        for (int position = 0; position < positions; position += 8)
        {
            for (int channel = 0; channel < channels; channel += 8)
            {
                Transpose8X8(rows + position, first + channel, to + ((nint)channel * toRow) + position, toRow);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRight(float** rows, int first, int channels, int positions, float* to)
    {
        for (int position = 0; position < positions; position++, to += channels)
        {
            Unsafe.CopyBlockUnaligned(to, rows[position] + first, (uint)(channels * sizeof(float)));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Store(float* sums, float* bias, int positions, int channels, float* to, int toRow)
    {
        for (int position = 0; position < positions; position++, sums += channels, to += toRow)
        {
            for (int channel = 0; channel < channels; channel += Vector256<float>.Count)
            {
                Vector256<float> values = Vector256.Load(sums + channel);
                (bias is null ? values : values + Vector256.Load(bias + channel)).Store(to + channel);
            }
        }
    }

    public static void Multiply(BlockProductExports products, in BlockProduct size, float* left, float* right, float* result, bool add) => products.Multiply(size, left, right, result, add);

    public static void Release(BlockProductExports products)
    {
        // float32 uses no tiles.
    }

    // Two steps: blocks of 4x4 inside each half of the vectors, then the halves.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose8X8(float** rows, int first, float* to, nint toRow)
    {
        Quarter(rows, first, out Vector256<float> a0, out Vector256<float> a1, out Vector256<float> a2, out Vector256<float> a3);
        Quarter(rows + 4, first, out Vector256<float> b0, out Vector256<float> b1, out Vector256<float> b2, out Vector256<float> b3);
        Avx.Permute2x128(a0, b0, 0x20).Store(to);
        Avx.Permute2x128(a1, b1, 0x20).Store(to + toRow);
        Avx.Permute2x128(a2, b2, 0x20).Store(to + (2 * toRow));
        Avx.Permute2x128(a3, b3, 0x20).Store(to + (3 * toRow));
        to += 4 * toRow;
        Avx.Permute2x128(a0, b0, 0x31).Store(to);
        Avx.Permute2x128(a1, b1, 0x31).Store(to + toRow);
        Avx.Permute2x128(a2, b2, 0x31).Store(to + (2 * toRow));
        Avx.Permute2x128(a3, b3, 0x31).Store(to + (3 * toRow));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quarter(float** rows, int first, out Vector256<float> c0, out Vector256<float> c1, out Vector256<float> c2, out Vector256<float> c3)
    {
        Vector256<float> r0 = Vector256.Load(rows[0] + first), r1 = Vector256.Load(rows[1] + first), r2 = Vector256.Load(rows[2] + first), r3 = Vector256.Load(rows[3] + first);
        Vector256<double> low0 = Avx.UnpackLow(r0, r1).AsDouble(), low2 = Avx.UnpackLow(r2, r3).AsDouble(), high0 = Avx.UnpackHigh(r0, r1).AsDouble(), high2 = Avx.UnpackHigh(r2, r3).AsDouble();
        c0 = Avx.UnpackLow(low0, low2).AsSingle();
        c1 = Avx.UnpackHigh(low0, low2).AsSingle();
        c2 = Avx.UnpackLow(high0, high2).AsSingle();
        c3 = Avx.UnpackHigh(high0, high2).AsSingle();
    }
}

/// <summary>bfloat16, with vectors of 512 bits; its products exist nowhere else.</summary>
internal readonly unsafe struct BFloat16BlockElements : IBlockElements<ushort>
{
    private const int Pairs = 16;

    public static int Together => 2;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose(ushort** rows, int first, int channels, int positions, ushort* to, int toRow)
    {
        // A pair of positions is a number of 32 bits: 16 pairs by 16 channels.
        uint* blocks = stackalloc uint[Pairs * Pairs];
        Vector512<ushort> byTurns = Turns(0, Pairs);
        for (int position = 0; position < positions; position += 2 * Pairs)
        {
            for (int channel = 0; channel < channels; channel += Pairs)
            {
                Transpose32X16(rows + position, first + channel, byTurns, blocks, to + ((nint)channel * toRow) + position, toRow);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRight(ushort** rows, int first, int channels, int positions, ushort* to)
    {
        Vector512<ushort> narrow = Turns(0, Pairs), low = Turns(0, 2 * Pairs), high = Turns(Pairs, 2 * Pairs);
        int wide = channels / (2 * Pairs) * (2 * Pairs);
        for (int position = 0; position < positions; position += 2, to += 2 * channels)
        {
            ushort* one = rows[position] + first, other = rows[position + 1] + first;
            for (int channel = 0; channel < wide; channel += 2 * Pairs)
            {
                Vector512<ushort> left = Vector512.Load(one + channel), right = Vector512.Load(other + channel);
                Avx512BW.PermuteVar32x16x2(left, low, right).Store(to + (2 * channel));
                Avx512BW.PermuteVar32x16x2(left, high, right).Store(to + (2 * channel) + (2 * Pairs));
            }

            if (wide < channels)
            {
                Pair(one + wide, other + wide, narrow).Store(to + (2 * wide));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Store(float* sums, float* bias, int positions, int channels, ushort* to, int toRow)
    {
        // The upper halves of two vectors of numbers.
        Vector512<ushort> upper = (Vector512<ushort>.Indices << 1) | Vector512<ushort>.One;
        for (int position = 0; position < positions; position++, sums += channels, to += toRow)
        {
            for (int channel = 0; channel < channels; channel += 2 * Pairs)
            {
                Vector512<float> first = Vector512.Load(sums + channel), second = Vector512.Load(sums + channel + Pairs);
                if (bias is not null)
                {
                    first += Vector512.Load(bias + channel);
                    second += Vector512.Load(bias + channel + Pairs);
                }

                Avx512BW.PermuteVar32x16x2(RoundUpperHalf(first), upper, RoundUpperHalf(second)).Store(to + channel);
            }
        }
    }

    public static void Multiply(BlockProductExports products, in BlockProduct size, ushort* left, ushort* right, float* result, bool add) => products.Multiply(size, left, right, result, add);

    public static void Release(BlockProductExports products) => products.Release();

    // As BFloat16Conversion does, but left in the upper halves.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ushort> RoundUpperHalf(Vector512<float> values)
    {
        Vector512<uint> bits = values.AsUInt32();
        Vector512<uint> rounded = bits + Vector512.Create(0x7FFFu) + ((bits >>> 16) & Vector512<uint>.One);
        return Vector512.ConditionalSelect(Vector512.Equals(values, values).AsUInt32(), rounded, Vector512.Create((uint)BFloat16Conversion.NaN << 16)).AsUInt16();
    }

    // Indices of numbers by turns: first, first + distance, first + 1, first + 1 + distance, ...
    private static Vector512<ushort> Turns(int first, int distance)
    {
        ushort* indices = stackalloc ushort[2 * Pairs];
        for (int i = 0; i < Pairs; i++)
        {
            (indices[2 * i], indices[(2 * i) + 1]) = ((ushort)(first + i), (ushort)(first + i + distance));
        }

        return Vector512.Load(indices);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ushort> Pair(ushort* one, ushort* other, Vector512<ushort> byTurns) => Avx512BW.PermuteVar32x16(Vector512.Create(Vector256.Load(one), Vector256.Load(other)), byTurns);

    // Two steps: blocks of 4x4 inside each quarter of the vectors, then the quarters.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose32X16(ushort** rows, int first, Vector512<ushort> byTurns, uint* blocks, ushort* to, nint toRow)
    {
        for (int group = 0; group < 4; group++, rows += 8)
        {
            Vector512<uint> r0 = Pair(rows[0] + first, rows[1] + first, byTurns).AsUInt32(), r1 = Pair(rows[2] + first, rows[3] + first, byTurns).AsUInt32();
            Vector512<uint> r2 = Pair(rows[4] + first, rows[5] + first, byTurns).AsUInt32(), r3 = Pair(rows[6] + first, rows[7] + first, byTurns).AsUInt32();
            Vector512<ulong> low0 = Avx512F.UnpackLow(r0, r1).AsUInt64(), low2 = Avx512F.UnpackLow(r2, r3).AsUInt64();
            Vector512<ulong> high0 = Avx512F.UnpackHigh(r0, r1).AsUInt64(), high2 = Avx512F.UnpackHigh(r2, r3).AsUInt64();
            uint* block = blocks + (group * Pairs);
            Avx512F.UnpackLow(low0, low2).AsUInt32().Store(block);
            Avx512F.UnpackHigh(low0, low2).AsUInt32().Store(block + (4 * Pairs));
            Avx512F.UnpackLow(high0, high2).AsUInt32().Store(block + (8 * Pairs));
            Avx512F.UnpackHigh(high0, high2).AsUInt32().Store(block + (12 * Pairs));
        }

        for (int column = 0; column < 4; column++, blocks += 4 * Pairs, to += toRow)
        {
            Vector512<uint> t0 = Vector512.Load(blocks), t1 = Vector512.Load(blocks + Pairs), t2 = Vector512.Load(blocks + (2 * Pairs)), t3 = Vector512.Load(blocks + (3 * Pairs));
            Vector512<uint> even0 = Avx512F.Shuffle4x128(t0, t1, 0x88), odd0 = Avx512F.Shuffle4x128(t0, t1, 0xDD), even2 = Avx512F.Shuffle4x128(t2, t3, 0x88), odd2 = Avx512F.Shuffle4x128(t2, t3, 0xDD);
            Avx512F.Shuffle4x128(even0, even2, 0x88).AsUInt16().Store(to);
            Avx512F.Shuffle4x128(odd0, odd2, 0x88).AsUInt16().Store(to + (4 * toRow));
            Avx512F.Shuffle4x128(even0, even2, 0xDD).AsUInt16().Store(to + (8 * toRow));
            Avx512F.Shuffle4x128(odd0, odd2, 0xDD).AsUInt16().Store(to + (12 * toRow));
        }
    }
}
