namespace Convoy.Lanes.Evaluation;

/// <summary>How one predicted frame scored, before the benchmark averages over frames.</summary>
/// <param name="RawFile">The frame.</param>
/// <param name="Accuracy">The mean over label lanes of the share of rows in which the best predicted lane is right, 0 to 1.</param>
/// <param name="FalsePositives">
/// Predicted lanes that no label lane matched, divided by the predicted lanes. Negative when one prediction matches
/// several label lanes, since the benchmark does not pair them one to one.
/// </param>
/// <param name="FalseNegatives">Label lanes that no prediction matched, divided by at most 4 label lanes, 0 to 1.</param>
/// <param name="LabelLanes">How many lanes the label has, lanes without any point included.</param>
/// <param name="PredictedLanes">How many lanes were predicted.</param>
/// <param name="RunTimeMilliseconds">The time that the prediction took; NaN when it is not known.</param>
/// <param name="Rule">The rule that scored the frame.</param>
public sealed record TuSimpleFrameScore(
    string RawFile,
    double Accuracy,
    double FalsePositives,
    double FalseNegatives,
    int LabelLanes,
    int PredictedLanes,
    double RunTimeMilliseconds,
    TuSimpleFrameRule Rule)
{
    /// <summary>How many of the label's lanes have no point.</summary>
    public int EmptyLabelLanes { get; init; }

    /// <summary>How many of those no prediction matched.</summary>
    public int MissedEmptyLanes { get; init; }
}
