using System.Globalization;

namespace Convoy.Lanes.Evaluation;

/// <summary>
/// Label lanes without any point, which some label files have. The benchmark takes them for lanes: a detector that rightly
/// finds nothing there has missed one.
/// </summary>
/// <param name="Lanes">How many of the predicted frames' label lanes have no point.</param>
/// <param name="Missed">How many of them no prediction matched.</param>
/// <param name="FirstFrame">The first frame that has one.</param>
/// <param name="Without">The score without them, all else equal.</param>
public sealed record EmptyLabelLanes(int Lanes, int Missed, string FirstFrame, TuSimpleScore Without)
{
    /// <summary>What is to be known of them, without a full stop.</summary>
    public string Remark => string.Create(
        CultureInfo.InvariantCulture,
        $"{Lanes} label {(Lanes == 1 ? "lane has" : "lanes have")} no point, and {Missed} {(Missed == 1 ? "counts" : "count")} as missed, first in {FirstFrame}; without such lanes accuracy {Without.Accuracy:0.0000}, FP {Without.FalsePositives:0.0000}, FN {Without.FalseNegatives:0.0000}");
}
