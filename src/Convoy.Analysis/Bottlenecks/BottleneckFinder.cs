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
