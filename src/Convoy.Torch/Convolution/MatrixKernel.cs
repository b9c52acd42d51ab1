using System.Numerics;
using System.Runtime.CompilerServices;

namespace Convoy.Torch.Convolution;

/// <summary>The inner loop of a matrix product: six rows by two vectors of columns stay in registers.</summary>
/// <remarks>
/// Twelve sums keep both multipliers of a core busy through an addition's latency, and leave four of AVX2's sixteen registers for operands. Measured within
/// 2 % of a Zen 4 core's peak, with 256-bit vectors as with 512-bit ones, which that core computes in two halves.
/// </remarks>
internal static unsafe class MatrixKernel
{
    /// <summary>Rows of the result.</summary>
    public const int Rows = 6;

    /// <summary>Columns of the result.</summary>
    public static readonly int Columns = 2 * Vector<float>.Count;

    /// <summary>result = a b, or result += a b.</summary>
    /// <param name="a">Element (row, k) is at row * <paramref name="aRow"/> + k * <paramref name="aStep"/>.</param>
    /// <param name="aRow">See <paramref name="a"/>.</param>
    /// <param name="aStep">See <paramref name="a"/>.</param>
    /// <param name="b">Element (k, column) is at k * <paramref name="bStep"/> + column.</param>
    /// <param name="bStep">See <paramref name="b"/>.</param>
    /// <param name="length">How many k there are.</param>
    /// <param name="result">Element (row, column) is at row * <paramref name="resultRow"/> + column.</param>
    /// <param name="resultRow">See <paramref name="result"/>.</param>
    /// <param name="add">Whether to add to what is there.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(float* a, nint aRow, nint aStep, float* b, nint bStep, int length, float* result, nint resultRow, bool add)
    {
        Vector<float> c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default;
        Vector<float> c30 = default, c31 = default, c40 = default, c41 = default, c50 = default, c51 = default;
        float* a3 = a + (3 * aRow);
        for (int k = 0; k < length; k++, a += aStep, a3 += aStep, b += bStep)
        {
            Vector<float> first = At(b), second = At(b + Vector<float>.Count);
            Vector<float> x = new(*a);
            c00 = Vector.FusedMultiplyAdd(x, first, c00);
            c01 = Vector.FusedMultiplyAdd(x, second, c01);
            x = new(a[aRow]);
            c10 = Vector.FusedMultiplyAdd(x, first, c10);
            c11 = Vector.FusedMultiplyAdd(x, second, c11);
            x = new(a[2 * aRow]);
            c20 = Vector.FusedMultiplyAdd(x, first, c20);
            c21 = Vector.FusedMultiplyAdd(x, second, c21);
            x = new(*a3);
            c30 = Vector.FusedMultiplyAdd(x, first, c30);
            c31 = Vector.FusedMultiplyAdd(x, second, c31);
            x = new(a3[aRow]);
            c40 = Vector.FusedMultiplyAdd(x, first, c40);
            c41 = Vector.FusedMultiplyAdd(x, second, c41);
            x = new(a3[2 * aRow]);
            c50 = Vector.FusedMultiplyAdd(x, first, c50);
            c51 = Vector.FusedMultiplyAdd(x, second, c51);
        }

        Store(result, c00, c01, add);
        Store(result + resultRow, c10, c11, add);
        Store(result + (2 * resultRow), c20, c21, add);
        Store(result + (3 * resultRow), c30, c31, add);
        Store(result + (4 * resultRow), c40, c41, add);
        Store(result + (5 * resultRow), c50, c51, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> At(float* values) => Unsafe.ReadUnaligned<Vector<float>>(values);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* to, Vector<float> first, Vector<float> second, bool add)
    {
        if (add)
        {
            first += At(to);
            second += At(to + Vector<float>.Count);
        }

        Unsafe.WriteUnaligned(to, first);
        Unsafe.WriteUnaligned(to + Vector<float>.Count, second);
    }
}

/// <summary>How a matrix for each point of the transform lies in memory.</summary>
/// <param name="Row">Numbers from one row to the next.</param>
/// <param name="Point">Numbers from one point's matrix to the next one's.</param>
internal readonly record struct PointMatrices(nint Row, nint Point)
{
    // Distances that are powers of two put all rows, or the same element of all matrices, into the same few places of the cache.
    private const int Line = 16;

    /// <summary>Numbers of all matrices.</summary>
    public long Count => Point * WinogradShape.Points;

    /// <summary>Lays out matrices.</summary>
    /// <param name="rows">Rows of each.</param>
    /// <param name="columns">Columns of each.</param>
    public static PointMatrices LayOut(int rows, int columns)
    {
        nint row = columns + Line;
        return new PointMatrices(row, (rows * row) + Line);
    }

    /// <summary>Lays out matrices in panels, [columns / panel, rows, panel], so that the rows of a panel follow each other.</summary>
    /// <param name="rows">Rows of each.</param>
    /// <param name="columns">Columns of each, a multiple of <paramref name="panel"/>.</param>
    /// <param name="panel">Columns of a panel.</param>
    public static PointMatrices LayOutPanels(int rows, int columns, int panel) => new(panel, ((nint)rows * columns) + Line);
}
