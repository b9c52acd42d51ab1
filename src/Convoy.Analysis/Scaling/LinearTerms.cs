using Convoy.Analysis.Statistics;

namespace Convoy.Analysis.Scaling;

/// <summary>
/// Times as sums of terms with coefficients of 0 or more. All of the models can be written so, which makes every fit a
/// bounded linear one with one minimum. Errors count as shares of the time.
/// </summary>
internal static class LinearTerms
{
    /// <summary>The coefficients that fit <paramref name="seconds"/> best.</summary>
    /// <param name="processes">The numbers of processes.</param>
    /// <param name="seconds">The times there.</param>
    /// <param name="terms">The terms at a number of processes.</param>
    /// <param name="scale">What an error is a share of, one for each time; the time itself when null.</param>
    public static double[] Fit(double[] processes, double[] seconds, Func<double, double[]> terms, double[]? scale = null)
    {
        double[] shares = scale ?? seconds;
        return NonNegativeLeastSquares.Solve(Design(processes, terms, shares), [.. seconds.Zip(shares, (s, by) => s / by)]);
    }

    /// <summary>The rows of terms, each divided by its scale.</summary>
    public static double[,] Design(double[] processes, Func<double, double[]> terms, double[] scale)
    {
        double[][] rows = [.. processes.Select((n, i) => terms(n).Select(t => t / scale[i]).ToArray())];
        var design = new double[rows.Length, rows[0].Length];
        for (int r = 0; r < rows.Length; r++)
        {
            for (int c = 0; c < rows[r].Length; c++)
            {
                design[r, c] = rows[r][c];
            }
        }

        return design;
    }

    /// <summary>The sum of terms times coefficients.</summary>
    public static double Sum(double[] coefficients, double[] terms) => coefficients.Zip(terms, (c, t) => c * t).Sum();
}
