using Convoy.Analysis.Bottlenecks;
using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Conclusions;

/// <summary>A cause of lost time, in words, with the numbers it stands on.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Configuration">Where it was seen.</param>
/// <param name="Title">The cause in a few words.</param>
/// <param name="Explanation">What was seen, with numbers: one or two sentences.</param>
/// <param name="Advice">What to do about it: one sentence.</param>
/// <param name="Severity">How much it matters.</param>
/// <param name="LostSeconds">Seconds lost against ideal scaling.</param>
/// <param name="Share">The same as a share of the configuration's time.</param>
/// <param name="Threshold">The share from which it is named.</param>
/// <param name="Evidence">The numbers.</param>
public sealed record Conclusion(
    BottleneckKind Kind,
    Configuration Configuration,
    string Title,
    string Explanation,
    string Advice,
    Severity Severity,
    double LostSeconds,
    double Share,
    double Threshold,
    IReadOnlyList<Evidence> Evidence);
