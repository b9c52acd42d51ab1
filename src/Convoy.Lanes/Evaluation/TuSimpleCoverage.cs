using System.Globalization;

namespace Convoy.Lanes.Evaluation;

/// <summary>
/// Which labelled frames a prediction file has: the benchmark compares numbers of lines only, so that a frame which is
/// predicted twice makes up for one that is missing.
/// </summary>
/// <param name="PredictedTwice">Frames with more than one prediction; each of them counts.</param>
/// <param name="LabelledTwice">Frames with more than one label; the last of them counts.</param>
/// <param name="WithoutPrediction">Labelled frames without a prediction; they count as nothing found.</param>
/// <param name="WithoutLabel">Predicted frames without a label, for which there is no score.</param>
public sealed record TuSimpleCoverage(NamedFrames PredictedTwice, NamedFrames LabelledTwice, NamedFrames WithoutPrediction, NamedFrames WithoutLabel)
{
    /// <summary>Each labelled frame is predicted once.</summary>
    public static TuSimpleCoverage Whole { get; } = new(default, default, default, default);

    /// <summary>What is there twice and what is missing, one sentence each without a full stop; empty when each labelled frame is predicted once.</summary>
    public IReadOnlyList<string> Remarks =>
    [
        .. Remark(PredictedTwice, "frame is predicted more than once", "frames are predicted more than once"),
        .. Remark(LabelledTwice, "frame is labelled more than once", "frames are labelled more than once"),
        .. Remark(WithoutPrediction, "labelled frame has no prediction", "labelled frames have no prediction"),
        .. Remark(WithoutLabel, "predicted frame has no label", "predicted frames have no label"),
    ];

    /// <summary>Compares the frames of two files.</summary>
    /// <param name="predicted">The predictions' <c>raw_file</c>.</param>
    /// <param name="labelled">The labels' <c>raw_file</c>.</param>
    internal static TuSimpleCoverage Of(IReadOnlyCollection<string> predicted, IReadOnlyCollection<string> labelled)
    {
        var hasPrediction = new HashSet<string>(predicted, StringComparer.Ordinal);
        var hasLabel = new HashSet<string>(labelled, StringComparer.Ordinal);
        return new TuSimpleCoverage(
            Repeated(predicted),
            Repeated(labelled),
            NamedFrames.Of(labelled.Where(frame => !hasPrediction.Contains(frame))),
            NamedFrames.Of(predicted.Where(frame => !hasLabel.Contains(frame))));
    }

    private static NamedFrames Repeated(IEnumerable<string> frames)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        return NamedFrames.Of(frames.Where(frame => !seen.Add(frame)));
    }

    private static IEnumerable<string> Remark(NamedFrames frames, string one, string several)
    {
        if (frames.Count > 0)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"{frames.Count} {(frames.Count == 1 ? one : several)}, first {frames.First}");
        }
    }
}
