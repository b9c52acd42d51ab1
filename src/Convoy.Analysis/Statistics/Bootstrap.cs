namespace Convoy.Analysis.Statistics;

/// <summary>
/// The percentile bootstrap (Efron, 1979) of a median, in two levels where runs were repeated: runs are drawn with
/// replacement, then the values of each drawn run. Seeded: the same values give the same interval.
/// </summary>
public static class Bootstrap
{
    /// <summary>How often is drawn.</summary>
    public const int Resamples = 1000;

    /// <summary>The share of cases in which an interval is meant to hold the true value.</summary>
    public const double Confidence = 0.95;

    /// <summary>The estimate: the median of the groups' medians.</summary>
    public static double Estimate(IReadOnlyList<IReadOnlyList<double>> groups) =>
        OrderStatistics.Median(groups.Select(g => OrderStatistics.Median(g)));

    /// <summary>The estimates of resampled groups.</summary>
    /// <param name="groups">The values of each run; each has at least one.</param>
    /// <param name="seed">Decides what is drawn.</param>
    /// <returns><see cref="Resamples"/> estimates, or none when there is one value in all: its spread is not known then.</returns>
    public static IReadOnlyList<double> Replicates(IReadOnlyList<IReadOnlyList<double>> groups, int seed)
    {
        if (groups.Sum(g => g.Count) < 2)
        {
            return [];
        }

        var random = new Random(seed);
        double[][] sorted = [.. groups.Select(g => g.Order().ToArray())];
        var replicates = new double[Resamples];
        var medians = new double[sorted.Length];
        var places = new int[sorted.Max(g => g.Length)];
        for (int i = 0; i < Resamples; i++)
        {
            for (int g = 0; g < sorted.Length; g++)
            {
                double[] run = sorted[random.Next(sorted.Length)];
                medians[g] = MedianOfDraw(run, random, places.AsSpan(0, run.Length));
            }

            replicates[i] = OrderStatistics.Median(medians);
        }

        return replicates;
    }

    /// <summary>The interval that holds the middle <see cref="Confidence"/> of <paramref name="replicates"/>; null when there are none.</summary>
    public static Interval? PercentileInterval(IReadOnlyList<double> replicates) => replicates.Count == 0
        ? null
        : new Interval(
            OrderStatistics.Quantile(replicates, (1 - Confidence) / 2),
            OrderStatistics.Quantile(replicates, (1 + Confidence) / 2));

    // Drawn are places in the sorted values: sorting those is quicker than sorting values.
    private static double MedianOfDraw(double[] sorted, Random random, Span<int> places)
    {
        for (int i = 0; i < places.Length; i++)
        {
            places[i] = random.Next(sorted.Length);
        }

        places.Sort();
        return (sorted[places[(places.Length - 1) / 2]] + sorted[places[places.Length / 2]]) / 2;
    }
}

/// <summary>A range of values. Intervals of this library are meant to hold the true value in 95 of 100 cases.</summary>
/// <param name="Low">The lower end.</param>
/// <param name="High">The upper end; at least <paramref name="Low"/>.</param>
public readonly record struct Interval(double Low, double High)
{
    /// <summary>Half the width, as a share of <paramref name="centre"/>.</summary>
    public double RelativeHalfWidth(double centre) => (High - Low) / (2 * centre);

    /// <summary>Whether <paramref name="value"/> lies inside, the ends included.</summary>
    public bool Contains(double value) => value >= Low && value <= High;

    /// <summary>Both ends in words.</summary>
    /// <param name="format">Words one value.</param>
    public string Text(Func<double, string> format)
    {
        ArgumentNullException.ThrowIfNull(format);
        return $"{format(Low)} to {format(High)}";
    }

    /// <summary>The smallest interval that also holds <paramref name="value"/>.</summary>
    public Interval Including(double value) => new(Math.Min(Low, value), Math.Max(High, value));
}
