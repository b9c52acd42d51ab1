using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Bottlenecks;

/// <summary>A cause of lost time in one configuration.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Configuration">Where it was seen.</param>
/// <param name="LostSeconds">Seconds lost against ideal scaling from the baseline; of <see cref="BottleneckKind.Noise"/>, the seconds that cannot be told apart.</param>
/// <param name="Share"><paramref name="LostSeconds"/> as a share of the configuration's time.</param>
/// <param name="Threshold">The share from which it is named.</param>
/// <param name="Evidence">The numbers behind it.</param>
public sealed record Bottleneck(
    BottleneckKind Kind,
    Configuration Configuration,
    double LostSeconds,
    double Share,
    double Threshold,
    IReadOnlyList<Evidence> Evidence);
