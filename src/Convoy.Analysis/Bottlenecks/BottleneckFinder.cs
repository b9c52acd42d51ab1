using Convoy.Analysis.Scaling;

namespace Convoy.Analysis.Bottlenecks;

/// <summary>Asks every rule about a series' largest configuration.</summary>
public static class BottleneckFinder
{
    private static readonly IBottleneckRule[] Rules =
    [
        new OversubscriptionRule(), new StragglerRule(), new DataLoadingRule(), new CommunicationRule(), new ComputeGrowthRule(), new SerialPartRule(), new NoiseRule(),
    ];

    /// <summary>The causes at or above their threshold, the one with the most lost time first.</summary>
    /// <param name="series">The series, whose configuration with the most processes is explained.</param>
    /// <param name="models">The models on it.</param>
    public static IReadOnlyList<Bottleneck> Find(ScalingSeries series, ModelChoice models)
    {
        ArgumentNullException.ThrowIfNull(series);
        var examined = new ScalingCase(series, series.Largest, models);
        return
        [
            .. Rules.SelectMany(r => r.Examine(examined))
                .Where(b => b.Share >= b.Threshold)
                .OrderByDescending(b => b.LostSeconds)
                .ThenBy(b => b.Kind),
        ];
    }
}
