using MathNet.Numerics.LinearAlgebra;

namespace Convoy.Analysis.Statistics;

/// <summary>
/// Least squares with coefficients of 0 or more. With few columns every set of columns can be tried, which finds the
/// exact minimum and cannot get stuck (for many columns see Lawson and Hanson, 1974, chapter 23).
/// </summary>
public static class NonNegativeLeastSquares
{
    private const int MostColumns = 8;

    /// <summary>Minimises the squared distance between <paramref name="design"/> times coefficients and <paramref name="target"/>.</summary>
    /// <param name="design">One row per observation.</param>
    /// <param name="target">One value per observation.</param>
    /// <returns>One coefficient per column, each at least 0.</returns>
    /// <exception cref="ArgumentException">There are more columns than 8.</exception>
    public static double[] Solve(double[,] design, double[] target)
    {
        Matrix<double> all = Matrix<double>.Build.DenseOfArray(design);
        Vector<double> wanted = Vector<double>.Build.Dense(target);
        int columns = all.ColumnCount;
        if (columns > MostColumns)
        {
            throw new ArgumentException($"{columns} columns are more than {MostColumns}.", nameof(design));
        }

        var best = new double[columns];
        double least = wanted.L2Norm();
        for (int set = 1; set < 1 << columns; set++)
        {
            int[] chosen = [.. Enumerable.Range(0, columns).Where(c => (set & (1 << c)) != 0)];
            if (chosen.Length > all.RowCount)
            {
                continue;
            }

            Matrix<double> part = Matrix<double>.Build.DenseOfColumnVectors(chosen.Select(all.Column));
            Vector<double> solution = part.QR().Solve(wanted);
            double distance = ((part * solution) - wanted).L2Norm();

            // Of sets that fit equally well the first, which has the fewer or the earlier columns, stays.
            if (solution.All(v => double.IsFinite(v) && v >= 0) && distance < least * (1 - 1e-9))
            {
                least = distance;
                best = new double[columns];
                for (int i = 0; i < chosen.Length; i++)
                {
                    best[chosen[i]] = solution[i];
                }
            }
        }

        return best;
    }

    /// <summary>The variance of a prediction for <paramref name="row"/> in units of the observations' variance: row (A'A)^-1 row'.</summary>
    /// <returns>0 or more; null when the observations do not determine the coefficients.</returns>
    public static double? Leverage(double[,] design, double[] row)
    {
        Matrix<double> all = Matrix<double>.Build.DenseOfArray(design);
        Matrix<double> normal = all.TransposeThisAndMultiply(all);
        if (all.RowCount < all.ColumnCount || normal.ConditionNumber() > 1e14)
        {
            return null;
        }

        Vector<double> at = Vector<double>.Build.Dense(row);
        return Math.Max(0, at.DotProduct(normal.Cholesky().Solve(at)));
    }
}
