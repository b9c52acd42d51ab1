using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using Convoy.Torch.Kernels;

namespace Convoy.Torch.Winograd;

/// <summary>What becomes of what is in the result's place.</summary>
internal enum MatrixSum
{
    /// <summary>It is overwritten.</summary>
    Begin,

    /// <summary>The sum goes on from it: parts of k, one after the other, give the bits of the whole.</summary>
    Continue,

    /// <summary>The finished sum is added to it: long sums round less in two levels.</summary>
    Add,
}

/// <summary>The inner loop of a matrix product: some rows by two vectors of columns stay in registers. Each sum goes over k in order, so no width and no blocking of rows and columns changes it.</summary>
/// <typeparam name="TLanes">The vectors.</typeparam>
internal static unsafe class MatrixKernel<TLanes>
    where TLanes : unmanaged, ILanes<TLanes>
{
    /// <summary>Rows are computed in blocks: up to the next multiple of this number.</summary>
    public const int Many = 12;

    private const int Few = 6;

    /// <summary>Columns of the result.</summary>
    public static int Columns => 2 * TLanes.Count;

    private static bool HasManyRegisters => Avx512F.VL.IsSupported || AdvSimd.IsSupported;

    /// <summary>result = a b, or more of it.</summary>
    /// <param name="a">Element (row, k) is at row * <paramref name="aRow"/> + k * <paramref name="aStep"/>.</param>
    /// <param name="aRow">See <paramref name="a"/>.</param>
    /// <param name="aStep">See <paramref name="a"/>.</param>
    /// <param name="b">Element (k, column) is at k * <paramref name="bStep"/> + column.</param>
    /// <param name="bStep">See <paramref name="b"/>.</param>
    /// <param name="rows">How many rows there are; up to the next multiple of <see cref="Many"/> they are computed, too, and must be there.</param>
    /// <param name="length">How many k there are.</param>
    /// <param name="result">Element (row, column) is at row * <paramref name="resultRow"/> + column.</param>
    /// <param name="resultRow">See <paramref name="result"/>.</param>
    /// <param name="sum">What becomes of what is there.</param>
    public static void Multiply(float* a, nint aRow, nint aStep, float* b, nint bStep, int rows, int length, float* result, nint resultRow, MatrixSum sum)
    {
        int row = 0;
        for (; HasManyRegisters && rows - row > Few; row += Many)
        {
            MultiplyMany(a + (row * aRow), aRow, aStep, b, bStep, length, result + (row * resultRow), resultRow, sum);
        }

        for (; row < rows; row += Few)
        {
            MultiplyFew(a + (row * aRow), aRow, aStep, b, bStep, length, result + (row * resultRow), resultRow, sum);
        }
    }

    // Twelve sums keep both multipliers of a core busy through an addition's latency, and leave four of AVX2's sixteen registers for operands.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyFew(float* a, nint aRow, nint aStep, float* b, nint bStep, int length, float* result, nint resultRow, MatrixSum sum)
    {
        TLanes c0a = default, c0b = default, c1a = default, c1b = default, c2a = default, c2b = default, c3a = default, c3b = default;
        TLanes c4a = default, c4b = default, c5a = default, c5b = default;
        if (sum == MatrixSum.Continue)
        {
            Load(result, out c0a, out c0b);
            Load(result + resultRow, out c1a, out c1b);
            Load(result + (2 * resultRow), out c2a, out c2b);
            Load(result + (3 * resultRow), out c3a, out c3b);
            Load(result + (4 * resultRow), out c4a, out c4b);
            Load(result + (5 * resultRow), out c5a, out c5b);
        }

        float* a3 = a + (3 * aRow);
        for (int k = 0; k < length; k++, a += aStep, a3 += aStep, b += bStep)
        {
            TLanes first = TLanes.Load(b), second = TLanes.Load(b + TLanes.Count), x;
            x = TLanes.Broadcast(*a);
            c0a = TLanes.Fma(x, first, c0a);
            c0b = TLanes.Fma(x, second, c0b);
            x = TLanes.Broadcast(a[aRow]);
            c1a = TLanes.Fma(x, first, c1a);
            c1b = TLanes.Fma(x, second, c1b);
            x = TLanes.Broadcast(a[2 * aRow]);
            c2a = TLanes.Fma(x, first, c2a);
            c2b = TLanes.Fma(x, second, c2b);
            x = TLanes.Broadcast(*a3);
            c3a = TLanes.Fma(x, first, c3a);
            c3b = TLanes.Fma(x, second, c3b);
            x = TLanes.Broadcast(a3[aRow]);
            c4a = TLanes.Fma(x, first, c4a);
            c4b = TLanes.Fma(x, second, c4b);
            x = TLanes.Broadcast(a3[2 * aRow]);
            c5a = TLanes.Fma(x, first, c5a);
            c5b = TLanes.Fma(x, second, c5b);
        }

        Store(result, c0a, c0b, sum);
        Store(result + resultRow, c1a, c1b, sum);
        Store(result + (2 * resultRow), c2a, c2b, sum);
        Store(result + (3 * resultRow), c3a, c3b, sum);
        Store(result + (4 * resultRow), c4a, c4b, sum);
        Store(result + (5 * resultRow), c5a, c5b, sum);
    }

    // Twice as many rows halve the reads of b.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyMany(float* a, nint aRow, nint aStep, float* b, nint bStep, int length, float* result, nint resultRow, MatrixSum sum)
    {
        TLanes c0a = default, c0b = default, c1a = default, c1b = default, c2a = default, c2b = default, c3a = default, c3b = default;
        TLanes c4a = default, c4b = default, c5a = default, c5b = default, c6a = default, c6b = default, c7a = default, c7b = default;
        TLanes c8a = default, c8b = default, c9a = default, c9b = default, c10a = default, c10b = default, c11a = default, c11b = default;
        if (sum == MatrixSum.Continue)
        {
            Load(result, out c0a, out c0b);
            Load(result + resultRow, out c1a, out c1b);
            Load(result + (2 * resultRow), out c2a, out c2b);
            Load(result + (3 * resultRow), out c3a, out c3b);
            Load(result + (4 * resultRow), out c4a, out c4b);
            Load(result + (5 * resultRow), out c5a, out c5b);
            Load(result + (6 * resultRow), out c6a, out c6b);
            Load(result + (7 * resultRow), out c7a, out c7b);
            Load(result + (8 * resultRow), out c8a, out c8b);
            Load(result + (9 * resultRow), out c9a, out c9b);
            Load(result + (10 * resultRow), out c10a, out c10b);
            Load(result + (11 * resultRow), out c11a, out c11b);
        }

        float* a3 = a + (3 * aRow);
        float* a6 = a + (6 * aRow);
        float* a9 = a + (9 * aRow);
        for (int k = 0; k < length; k++, a += aStep, a3 += aStep, a6 += aStep, a9 += aStep, b += bStep)
        {
            TLanes first = TLanes.Load(b), second = TLanes.Load(b + TLanes.Count), x;
            x = TLanes.Broadcast(*a);
            c0a = TLanes.Fma(x, first, c0a);
            c0b = TLanes.Fma(x, second, c0b);
            x = TLanes.Broadcast(a[aRow]);
            c1a = TLanes.Fma(x, first, c1a);
            c1b = TLanes.Fma(x, second, c1b);
            x = TLanes.Broadcast(a[2 * aRow]);
            c2a = TLanes.Fma(x, first, c2a);
            c2b = TLanes.Fma(x, second, c2b);
            x = TLanes.Broadcast(*a3);
            c3a = TLanes.Fma(x, first, c3a);
            c3b = TLanes.Fma(x, second, c3b);
            x = TLanes.Broadcast(a3[aRow]);
            c4a = TLanes.Fma(x, first, c4a);
            c4b = TLanes.Fma(x, second, c4b);
            x = TLanes.Broadcast(a3[2 * aRow]);
            c5a = TLanes.Fma(x, first, c5a);
            c5b = TLanes.Fma(x, second, c5b);
            x = TLanes.Broadcast(*a6);
            c6a = TLanes.Fma(x, first, c6a);
            c6b = TLanes.Fma(x, second, c6b);
            x = TLanes.Broadcast(a6[aRow]);
            c7a = TLanes.Fma(x, first, c7a);
            c7b = TLanes.Fma(x, second, c7b);
            x = TLanes.Broadcast(a6[2 * aRow]);
            c8a = TLanes.Fma(x, first, c8a);
            c8b = TLanes.Fma(x, second, c8b);
            x = TLanes.Broadcast(*a9);
            c9a = TLanes.Fma(x, first, c9a);
            c9b = TLanes.Fma(x, second, c9b);
            x = TLanes.Broadcast(a9[aRow]);
            c10a = TLanes.Fma(x, first, c10a);
            c10b = TLanes.Fma(x, second, c10b);
            x = TLanes.Broadcast(a9[2 * aRow]);
            c11a = TLanes.Fma(x, first, c11a);
            c11b = TLanes.Fma(x, second, c11b);
        }

        Store(result, c0a, c0b, sum);
        Store(result + resultRow, c1a, c1b, sum);
        Store(result + (2 * resultRow), c2a, c2b, sum);
        Store(result + (3 * resultRow), c3a, c3b, sum);
        Store(result + (4 * resultRow), c4a, c4b, sum);
        Store(result + (5 * resultRow), c5a, c5b, sum);
        Store(result + (6 * resultRow), c6a, c6b, sum);
        Store(result + (7 * resultRow), c7a, c7b, sum);
        Store(result + (8 * resultRow), c8a, c8b, sum);
        Store(result + (9 * resultRow), c9a, c9b, sum);
        Store(result + (10 * resultRow), c10a, c10b, sum);
        Store(result + (11 * resultRow), c11a, c11b, sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(float* from, out TLanes first, out TLanes second)
    {
        first = TLanes.Load(from);
        second = TLanes.Load(from + TLanes.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* to, TLanes first, TLanes second, MatrixSum sum)
    {
        if (sum == MatrixSum.Add)
        {
            first = TLanes.Load(to) + first;
            second = TLanes.Load(to + TLanes.Count) + second;
        }

        TLanes.Store(first, to);
        TLanes.Store(second, to + TLanes.Count);
    }
}
