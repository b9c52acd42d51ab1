using System.Buffers;
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
