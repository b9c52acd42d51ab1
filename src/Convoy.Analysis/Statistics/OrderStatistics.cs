namespace Convoy.Analysis.Statistics;

/// <summary>Statistics of sorted values. They shrug off a few outliers, such as a step during which the machine did something else.</summary>
public static class OrderStatistics
{
    // Makes the median absolute deviation of a normal distribution its standard deviation.
    private const double NormalConsistency = 1.4826;

    /// <summary>The middle value, or the mean of the two in the middle.</summary>
    /// <exception cref="ArgumentException">There are no values.</exception>
    public static double Median(IEnumerable<double> values) => Quantile(values, 0.5);

    // MathNet has this too. It stays because MathNet rounds the last digit otherwise, and earlier reports have to come out the same again.

    /// <summary>The value below which a share of the values lies, interpolated linearly (type 7 of Hyndman and Fan, 1996).</summary>
    /// <param name="values">The values, in any order; at least one.</param>
    /// <param name="share">0 for the least, 1 for the greatest.</param>
    /// <exception cref="ArgumentException">There are no values.</exception>
    public static double Quantile(IEnumerable<double> values, double share)
    {
        double[] sorted = [.. values];
        if (sorted.Length == 0)
        {
            throw new ArgumentException("There are no values.", nameof(values));
        }

        Array.Sort(sorted);
        double position = share * (sorted.Length - 1);
        int below = (int)Math.Floor(position);
        int above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + ((position - below) * (sorted[above] - sorted[below]));
    }

    /// <summary>The spread of one value around the median as a share of the median: 1.4826 x median absolute deviation / median.</summary>
    public static double RelativeSpread(IReadOnlyCollection<double> values)
    {
        double median = Median(values);
        return NormalConsistency * Median(values.Select(v => Math.Abs(v - median))) / median;
    }
}
