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
    /// <returns><see cref="Resamples"/> estimates, or none when there is one value in all: that tells nothing about its spread.</returns>
    public static IReadOnlyList<double> Replicates(IReadOnlyList<IReadOnlyList<double>> groups, int seed)
    {
        if (groups.Sum(g => g.Count) < 2)
        {
            return [];
        }

        var random = new Random(seed);
        var replicates = new double[Resamples];
        var medians = new double[groups.Count];
        for (int i = 0; i < Resamples; i++)
        {
            for (int g = 0; g < groups.Count; g++)
            {
                IReadOnlyList<double> drawn = groups[random.Next(groups.Count)];
                medians[g] = drawn.Count == 1
                    ? drawn[0]
                    : OrderStatistics.Median(Enumerable.Range(0, drawn.Count).Select(_ => drawn[random.Next(drawn.Count)]));
            }

            replicates[i] = OrderStatistics.Median(medians);
        }

        return replicates;
    }

    /// <summary>The interval that holds the middle <see cref="Confidence"/> of <paramref name="replicates"/>; null when there are none.</summary>
    public static Interval? IntervalOf(IReadOnlyList<double> replicates) => replicates.Count == 0
        ? null
        : new Interval(
            OrderStatistics.Quantile(replicates, (1 - Confidence) / 2),
            OrderStatistics.Quantile(replicates, (1 + Confidence) / 2));
}
