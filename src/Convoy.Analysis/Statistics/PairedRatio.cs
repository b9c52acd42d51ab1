using MathNet.Numerics.Distributions;

namespace Convoy.Analysis.Statistics;

/// <summary>
/// The ratio of two values that were measured in pairs, one after the other or at the same time: what slows a machine for a while slows both of a pair. It is the
/// geometric mean of the pairs' ratios, with the interval of the mean of their logarithms by Student's t.
/// </summary>
/// <param name="Value">First / second.</param>
/// <param name="Interval">The interval in which the ratio should lie; null for a single pair, whose spread is not known.</param>
public readonly record struct PairedRatio(double Value, Interval? Interval)
{
    /// <summary>Estimates the ratio.</summary>
    /// <param name="pairs">At least one pair of values above 0.</param>
    /// <exception cref="ArgumentException">There are no pairs, or a value is not above 0.</exception>
    public static PairedRatio Estimate(IEnumerable<(double First, double Second)> pairs)
    {
        ArgumentNullException.ThrowIfNull(pairs);
        double[] logs = [.. pairs.Select(pair => Math.Log(pair.First / pair.Second))];
        if (logs.Length == 0 || logs.Any(log => !double.IsFinite(log)))
        {
            throw new ArgumentException("A ratio needs pairs of values above 0.", nameof(pairs));
        }

        double mean = logs.Average();
        if (logs.Length == 1)
        {
            return new PairedRatio(Math.Exp(mean), null);
        }

        int freedom = logs.Length - 1;
        double error = Math.Sqrt(logs.Sum(log => (log - mean) * (log - mean)) / freedom / logs.Length);
        double half = StudentT.InvCDF(0, 1, freedom, (1 + Bootstrap.Confidence) / 2) * error;
        return new PairedRatio(Math.Exp(mean), new Interval(Math.Exp(mean - half), Math.Exp(mean + half)));
    }
}
