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
    /// <summary>
    /// The score in the form that the benchmark's script prints:
    /// <c>[{"name":"Accuracy","value":v,"order":"desc"},{"name":"FP","value":v,"order":"asc"},{"name":"FN","value":v,"order":"asc"}]</c>.
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
            writer.WriteEndArray();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void WriteEntry(Utf8JsonWriter writer, string name, double value, string order)
    {
        writer.WriteStartObject();
        writer.WriteString("name", name);
        writer.WriteNumber("value", value);
        writer.WriteString("order", order);
        writer.WriteEndObject();
    }
}
