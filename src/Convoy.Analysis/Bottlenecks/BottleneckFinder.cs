using Convoy.Analysis.Scaling;

namespace Convoy.Analysis.Bottlenecks;

/// <summary>Looks for one sort of cause, and words it.</summary>
internal interface IBottleneckRule
{
    /// <summary>The causes that the case shows, whatever their size; none where what the rule needs was not recorded.</summary>
    IEnumerable<Conclusion> Examine(ScalingCase scaling);
}

/// <summary>Asks every rule about a series' largest configuration.</summary>
public static class BottleneckFinder
{
    // A new rule is a line here and a file beside the others. Of causes that cost the same, the earlier comes first.
    private static readonly IBottleneckRule[] Rules =
    [
        new OversubscriptionRule(),
        new StragglerRule(),
        new DataLoadingRule(),
        new CommunicationRule(),
        new ComputeGrowthRule(),
        new SerialPartRule(),
        new NoiseRule(),
    ];

    /// <summary>The causes at or above their threshold, the one with the most lost time first.</summary>
    /// <param name="series">The series, whose configuration with the most processes is explained.</param>
    /// <param name="models">The models on it.</param>
    public static IReadOnlyList<Conclusion> Find(ScalingSeries series, ModelChoice models)
    {
        ArgumentNullException.ThrowIfNull(series);
        var scaling = new ScalingCase(series, series.Largest, models);
        return
        [
            .. Rules.SelectMany(rule => rule.Examine(scaling))
                .Where(conclusion => conclusion.Share >= conclusion.Threshold)
                .OrderByDescending(conclusion => conclusion.LostSeconds),
        ];
    }
}

/// <summary>From which share of a configuration's time a cause is named. docs/reference/scaling-analysis.md gives the reasons.</summary>
public static class Thresholds
{
    /// <summary>For causes that are measured as a phase of their own.</summary>
    public const double MeasuredShare = 0.02;

    /// <summary>For causes that follow from a comparison with the baseline or a fitted law.</summary>
    public const double InferredShare = 0.05;

    /// <summary>How much longer than the usual rank the slowest has to compute to be a straggler.</summary>
    public const double StragglerExcess = 0.05;

    /// <summary>In which share of the steps the same rank has to be the slowest to be a straggler.</summary>
    public const double StragglerPersistence = 0.6;

    /// <summary>Below this many samples in each process, what contention does not explain counts as too small a batch.</summary>
    public const double SmallLocalBatch = 2;

    /// <summary>How wide the interval of a time may be to either side before the noise hides differences.</summary>
    public const double NoiseHalfWidth = 0.05;
}
