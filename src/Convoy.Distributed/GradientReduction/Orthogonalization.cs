using Convoy.Torch.Interop;
using static TorchSharp.torch;

namespace Convoy.Distributed.GradientReduction;

/// <summary>Makes the columns of a matrix orthonormal by Gram and Schmidt's procedure, in float64.</summary>
internal static unsafe class Orthogonalization
{
    // A column of which less than this is left depends on those before it: the rest is rounding.
    private const double LeastLeftOfSingle = 1e-6;
    private const double LeastLeftOfDouble = 1e-13;

    /// <summary>Replaces the columns. One that is zero, or depends on the ones before it, becomes zero.</summary>
    /// <param name="matrix">float32 or float64, [rows, columns].</param>
    /// <param name="epsilon">Added to each column's length.</param>
    /// <param name="replacement">Gives another column for one that vanishes, of as many elements as there are rows; null: it becomes zero.</param>
    public static void Apply(Tensor matrix, double epsilon, Func<double[]>? replacement = null)
    {
        int rows = (int)matrix.shape[0], columns = (int)matrix.shape[1];
        using Tensor transposed = matrix.t();
        using Tensor doubles = transposed.to(ScalarType.Float64);
        using Tensor dense = doubles.contiguous();
        double* start = (double*)TensorMemory.Address(dense);
        double leastLeft = matrix.dtype == ScalarType.Float64 ? LeastLeftOfDouble : LeastLeftOfSingle;
        for (int i = 0; i < columns; i++)
        {
            var column = new Span<double>(start + ((long)i * rows), rows);
            if (!IsMadeOrthonormal(start, column, i, epsilon, leastLeft) && (replacement is null || !IsMadeOrthonormal(start, Filled(column, replacement()), i, epsilon, leastLeft)))
            {
                column.Clear();
            }
        }

        using Tensor result = dense.t();
        matrix.copy_(result);
    }

    private static Span<double> Filled(Span<double> column, double[] values)
    {
        values.CopyTo(column);
        return column;
    }

    private static bool IsMadeOrthonormal(double* start, Span<double> column, int index, double epsilon, double leastLeft)
    {
        double before = Math.Sqrt(Dot(column, column));

        // Twice is enough (Kahan and Parlett): once leaves rounding errors in the directions that were taken away.
        for (int round = 0; round < 2; round++)
        {
            for (int other = 0; other < index; other++)
            {
                var basis = new ReadOnlySpan<double>(start + ((long)other * column.Length), column.Length);
                double shared = Dot(basis, column);
                for (int i = 0; i < column.Length; i++)
                {
                    column[i] -= shared * basis[i];
                }
            }
        }

        double length = Math.Sqrt(Dot(column, column));
        if (length <= before * leastLeft)
        {
            return false;
        }

        // Not a number goes on, so that it is seen in the gradients.
        double divisor = length + epsilon;
        foreach (ref double value in column)
        {
            value /= divisor;
        }

        return true;
    }

    private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
        {
            sum += a[i] * b[i];
        }

        return sum;
    }
}
