namespace Convoy.Lanes.Evaluation;

/// <summary>The scores of a detector over labelled frames.</summary>
/// <param name="Frames">How many frames.</param>
/// <param name="Loss">The mean loss of a frame.</param>
/// <param name="Segmentation">Masks against true masks, all pixels together.</param>
/// <param name="Official">TuSimple's metric with its limit of 200 ms a frame, or null for frames that have masks only.</param>
/// <param name="Untimed">TuSimple's metric without that limit, or null for frames that have masks only.</param>
/// <param name="MeanMilliseconds">The mean time of a frame, from image to lanes.</param>
public sealed record EvaluationSummary(
    int Frames,
    double Loss,
    SegmentationScore Segmentation,
    TuSimpleScore? Official,
    TuSimpleScore? Untimed,
    double MeanMilliseconds)
{
    /// <summary>Adds frames up.</summary>
    /// <param name="frames">At least one frame.</param>
    public static EvaluationSummary Of(IReadOnlyList<FrameEvaluation> frames)
    {
        ArgumentOutOfRangeException.ThrowIfZero(frames.Count);
        TuSimplePrediction[] predictions = [.. frames.Select(frame => frame.Prediction)];
        Data.TuSimpleLabel[] labels = [.. frames.Select(frame => frame.Frame.Label)];
        bool hasPoints = frames.All(frame => frame.Frame.MaskPath is null);
        return new EvaluationSummary(
            frames.Count,
            frames.Average(frame => frame.Loss),
            frames.Aggregate(default(SegmentationScore), (sum, frame) => sum + frame.Segmentation),
            hasPoints ? TuSimpleMetric.Score(predictions, labels) : null,
            hasPoints ? TuSimpleMetric.Score(predictions, labels, applyTimeRule: false) : null,
            predictions.Average(prediction => prediction.RunTimeMilliseconds));
    }
}
