using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Convoy.Lanes.Evaluation;

/// <summary>The TuSimple benchmark's three numbers and the frames that they were made of.</summary>
/// <param name="Accuracy">The frames' accuracies summed and divided by the number of distinct labelled frames. Higher is better.</param>
/// <param name="FalsePositives">The same of the frames' false positives. Lower is better; below 0 where predictions match several lanes each.</param>
/// <param name="FalseNegatives">The same of the frames' false negatives. Lower is better.</param>
/// <param name="PerFrame">One entry for each prediction, in the predictions' order.</param>
public sealed record TuSimpleScore(
    double Accuracy,
    double FalsePositives,
    double FalseNegatives,
    IReadOnlyList<TuSimpleFrameScore> PerFrame)
{
    /// <summary>Which frames were predicted or labelled more than once, and which were not.</summary>
    public TuSimpleCoverage Coverage { get; init; } = TuSimpleCoverage.Whole;

    /// <summary>The label lanes without a point; null when there are none.</summary>
    public EmptyLabelLanes? EmptyLanes { get; init; }

    /// <summary>
    /// The score in the form that the benchmark's script prints:
    /// <c>[{"name":"Accuracy","value":v,"order":"desc"},{"name":"FP","value":v,"order":"asc"},{"name":"FN","value":v,"order":"asc"}]</c>.
    /// What there is to remark on follows in entries of the same form, those of frames with <c>"first":"raw_file"</c>.
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

/// <summary>The benchmark's rule that decided a frame's score.</summary>
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

/// <summary>Some frames of a file: how many, and the first of them to look at.</summary>
/// <param name="Count">How many.</param>
/// <param name="First">The first one's <c>raw_file</c>; null when there are none.</param>
public readonly record struct NamedFrames(int Count, string? First)
{
    /// <summary>The distinct frames of <paramref name="frames"/> in their order.</summary>
    internal static NamedFrames Of(IEnumerable<string> frames)
    {
        string[] distinct = [.. frames.Distinct(StringComparer.Ordinal)];
        return new NamedFrames(distinct.Length, distinct.FirstOrDefault());
    }
}

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
