using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Convoy.Lanes.Evaluation;

/// <summary>The three numbers of the TuSimple benchmark and the frames that they come from.</summary>
/// <param name="Accuracy">The sum of the frames' accuracies divided by the number of distinct labelled frames. Higher is better.</param>
/// <param name="FalsePositives">The same for the frames' false positives. Lower is better; negative if predictions match several lanes each.</param>
/// <param name="FalseNegatives">The same for the frames' false negatives. Lower is better.</param>
/// <param name="PerFrame">One entry per prediction, in order.</param>
public sealed record TuSimpleScore(
    double Accuracy,
    double FalsePositives,
    double FalseNegatives,
    IReadOnlyList<TuSimpleFrameScore> PerFrame)
{
    /// <summary>Which frames are predicted or labelled more than once or not at all.</summary>
    public TuSimpleCoverage Coverage { get; init; } = TuSimpleCoverage.Whole;

    /// <summary>The label lanes without any point; null when there are none.</summary>
    public EmptyLabelLanes? EmptyLanes { get; init; }

    /// <summary>
    /// The score in the form that the benchmark's script prints:
    /// <c>[{"name":"Accuracy","value":v,"order":"desc"},{"name":"FP","value":v,"order":"asc"},{"name":"FN","value":v,"order":"asc"}]</c>.
    /// Anything worth remarking on follows in entries of the same form, those about frames with <c>"first":"raw_file"</c>.
    /// </summary>
    public string ToBenchmarkJson()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartArray();
            WriteEntry(writer, "Accuracy", Accuracy, "desc");
            WriteEntry(writer, "FP", FalsePositives, "asc");
            WriteEntry(writer, "FN", FalseNegatives, "asc");
            WriteFrames(writer, "FramesPredictedTwice", Coverage.PredictedTwice);
            WriteFrames(writer, "FramesLabelledTwice", Coverage.LabelledTwice);
            WriteFrames(writer, "FramesWithoutPrediction", Coverage.WithoutPrediction);
            if (EmptyLanes is { } empty)
            {
                WriteEntry(writer, "EmptyLabelLanes", empty.Lanes, "asc", empty.FirstFrame);
                WriteEntry(writer, "EmptyLabelLanesMissed", empty.Missed, "asc");
                WriteEntry(writer, "AccuracyWithoutEmptyLanes", empty.Without.Accuracy, "desc");
                WriteEntry(writer, "FPWithoutEmptyLanes", empty.Without.FalsePositives, "asc");
                WriteEntry(writer, "FNWithoutEmptyLanes", empty.Without.FalseNegatives, "asc");
            }

            writer.WriteEndArray();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void WriteFrames(Utf8JsonWriter writer, string name, NamedFrames frames)
    {
        if (frames.Count > 0)
        {
            WriteEntry(writer, name, frames.Count, "asc", frames.First);
        }
    }

    private static void WriteEntry(Utf8JsonWriter writer, string name, double value, string order, string? first = null)
    {
        writer.WriteStartObject();
        writer.WriteString("name", name);
        writer.WriteNumber("value", value);
        writer.WriteString("order", order);
        if (first is not null)
        {
            writer.WriteString("first", first);
        }

        writer.WriteEndObject();
    }
}

/// <summary>The score of one predicted frame, before the benchmark averages over frames.</summary>
/// <param name="RawFile">The frame.</param>
/// <param name="Accuracy">The share of rows in which the best predicted lane is right, averaged over the label's lanes, 0 to 1.</param>
/// <param name="FalsePositives">
/// Predicted lanes that no label lane matches, divided by the number of predicted lanes. Negative when one prediction matches
/// several label lanes, since the benchmark does not pair them one to one.
/// </param>
/// <param name="FalseNegatives">Label lanes that no prediction matches, divided by the number of label lanes, at most 4; 0 to 1.</param>
/// <param name="LabelLanes">How many lanes the label has, lanes without any point included.</param>
/// <param name="PredictedLanes">How many lanes were predicted.</param>
/// <param name="RunTimeMilliseconds">The time that the prediction took; NaN when it is unknown.</param>
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

/// <summary>The rule of the benchmark that decided a frame's score.</summary>
public enum TuSimpleFrameRule
{
    /// <summary>Lanes were compared point by point.</summary>
    Compared,

    /// <summary>The prediction took more than 200 ms: accuracy 0, false positives 0, false negatives 1.</summary>
    TooSlow,

    /// <summary>More than two lanes beyond the label's were predicted: accuracy 0, false positives 0, false negatives 1.</summary>
    TooManyLanes,
}

/// <summary>
/// Which labelled frames a prediction file covers: the benchmark only compares numbers of lines, so a frame predicted twice makes up for one
/// that is missing.
/// </summary>
/// <param name="PredictedTwice">Frames with more than one prediction; all of them count.</param>
/// <param name="LabelledTwice">Frames with more than one label; the last of them counts.</param>
/// <param name="WithoutPrediction">Labelled frames without a prediction; nothing counts as found in them.</param>
/// <param name="WithoutLabel">Predicted frames without a label, which cannot be scored.</param>
public sealed record TuSimpleCoverage(NamedFrames PredictedTwice, NamedFrames LabelledTwice, NamedFrames WithoutPrediction, NamedFrames WithoutLabel)
{
    /// <summary>Every labelled frame is predicted once.</summary>
    public static TuSimpleCoverage Whole { get; } = new(default, default, default, default);

    /// <summary>What occurs twice and what is missing, one sentence each without a full stop; empty when every labelled frame is predicted once.</summary>
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
    internal static TuSimpleCoverage Compare(IReadOnlyCollection<string> predicted, IReadOnlyCollection<string> labelled)
    {
        var hasPrediction = new HashSet<string>(predicted, StringComparer.Ordinal);
        var hasLabel = new HashSet<string>(labelled, StringComparer.Ordinal);
        return new TuSimpleCoverage(
            Repeated(predicted),
            Repeated(labelled),
            NamedFrames.From(labelled.Where(frame => !hasPrediction.Contains(frame))),
            NamedFrames.From(predicted.Where(frame => !hasLabel.Contains(frame))));
    }

    private static NamedFrames Repeated(IEnumerable<string> frames)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        return NamedFrames.From(frames.Where(frame => !seen.Add(frame)));
    }

    private static IEnumerable<string> Remark(NamedFrames frames, string one, string several)
    {
        if (frames.Count > 0)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"{frames.Count} {(frames.Count == 1 ? one : several)}, first {frames.First}");
        }
    }
}

/// <summary>Some frames of a file: how many, and the first of them.</summary>
/// <param name="Count">How many.</param>
/// <param name="First">The first one's <c>raw_file</c>; null when there are none.</param>
public readonly record struct NamedFrames(int Count, string? First)
{
    /// <summary>The distinct ones among <paramref name="frames"/>.</summary>
    internal static NamedFrames From(IEnumerable<string> frames)
    {
        string[] distinct = [.. frames.Distinct(StringComparer.Ordinal)];
        return new NamedFrames(distinct.Length, distinct.FirstOrDefault());
    }
}

/// <summary>
/// Label lanes without any point, which some label files contain. The benchmark treats them as lanes: a detector that rightly finds nothing
/// there has missed one.
/// </summary>
/// <param name="Lanes">How many of the predicted frames' label lanes have no point.</param>
/// <param name="Missed">How many of them no prediction matched.</param>
/// <param name="FirstFrame">The first frame with one.</param>
/// <param name="Without">The score without them, all else equal.</param>
public sealed record EmptyLabelLanes(int Lanes, int Missed, string FirstFrame, TuSimpleScore Without)
{
    /// <summary>A remark for the user, without a full stop.</summary>
    public string Remark => string.Create(
        CultureInfo.InvariantCulture,
        $"{Quantity.Format(Lanes, "label lane")} {(Lanes == 1 ? "has" : "have")} no point, and {Missed} {(Missed == 1 ? "counts" : "count")} as missed, first in {FirstFrame}; without such lanes accuracy {Without.Accuracy:0.0000}, FP {Without.FalsePositives:0.0000}, FN {Without.FalseNegatives:0.0000}");
}
