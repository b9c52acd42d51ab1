using System.Globalization;
using System.Text.Json;
using Convoy.Lanes.Data;

namespace Convoy.Lanes.Evaluation;

/// <summary>
/// Prediction files in the form that the TuSimple benchmark takes: one JSON object per line with <c>raw_file</c>, <c>lanes</c> and
/// <c>run_time</c> in milliseconds. Other members, such as <c>h_samples</c>, and blank lines are ignored. Objects that span several lines
/// and a list of objects are read as well.
/// </summary>
public static class TuSimplePredictionFile
{
    private static readonly JsonObjectKind Content = new("prediction", "raw_file, lanes and run_time");
    private const string Remedy = """Give a JSON object such as {"raw_file":"clips/a/20.jpg","lanes":[[-2,632.5]],"run_time":20}.""";

    /// <summary>Reads a prediction file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="requireRunTime">Whether every prediction must have a <c>run_time</c>. If not, a missing one is NaN.</param>
    /// <exception cref="BadInputException">
    /// The file does not exist or cannot be read, or contains something other than predictions; the message names the file, the line and what
    /// was found.
    /// </exception>
    public static IReadOnlyList<TuSimplePrediction> Read(string path, bool requireRunTime = true)
    {
        ArgumentNullException.ThrowIfNull(path);
        return [.. JsonObjectFile.Read(path, Content).Select(prediction =>
            ReadPrediction(prediction.Value, string.Create(CultureInfo.InvariantCulture, $"{path}, line {prediction.Line}"), requireRunTime))];
    }

    /// <summary>
    /// Writes a prediction file, under a temporary name in the same folder first, so that a failure leaves an earlier file as it was.
    /// </summary>
    /// <exception cref="BadInputException">The file cannot be written, or a number in it is not finite.</exception>
    public static void Write(string path, IEnumerable<TuSimplePrediction> predictions)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(predictions);
        OutputFile.Write(path, stream =>
        {
            using var writer = new Utf8JsonWriter(stream);
            foreach (TuSimplePrediction prediction in predictions)
            {
                WriteLine(writer, prediction);
                writer.Flush();
                stream.WriteByte((byte)'\n');
                writer.Reset();
            }
        });
    }

    private static TuSimplePrediction ReadPrediction(JsonElement root, string source, bool requireRunTime)
    {
        try
        {
            JsonElement rawFile = Member(root, "raw_file", source);
            if (rawFile.ValueKind != JsonValueKind.String)
            {
                throw Bad("raw_file must be a string", source, rawFile);
            }

            JsonElement lanes = Member(root, "lanes", source);
            if (lanes.ValueKind != JsonValueKind.Array)
            {
                throw Bad("lanes must be a list of lists of numbers", source, lanes);
            }

            double[][] xs = [.. lanes.EnumerateArray().Select(lane => ReadLane(lane, source))];
            bool hasRunTime = root.TryGetProperty("run_time", out JsonElement time) && time.ValueKind != JsonValueKind.Null;
            double runTime = hasRunTime || requireRunTime
                ? Number(Member(root, "run_time", source), "run_time must be a number of milliseconds", source)
                : double.NaN;
            return new TuSimplePrediction(rawFile.GetString()!, xs, runTime) { Source = source };
        }
        catch (InvalidOperationException error)
        {
            throw JsonObjectFile.UnpairedSurrogate(source, error);
        }
    }

    private static JsonElement Member(JsonElement prediction, string name, string source) =>
        prediction.TryGetProperty(name, out JsonElement value)
            ? value
            : throw new BadInputException($"a prediction lacks {name}", source, Remedy);

    private static double[] ReadLane(JsonElement lane, string source)
    {
        if (lane.ValueKind != JsonValueKind.Array)
        {
            throw Bad("a lane must be a list of numbers", source, lane);
        }

        double[] xs = new double[lane.GetArrayLength()];
        int row = 0;
        foreach (JsonElement x in lane.EnumerateArray())
        {
            xs[row++] = Number(x, "a lane's x must be a number", source);
        }

        return xs;
    }

    private static double Number(JsonElement element, string requirement, string source) =>
        element.ValueKind == JsonValueKind.Number && element.TryGetDouble(out double value) && double.IsFinite(value)
            ? value
            : throw Bad(requirement, source, element);

    private static void WriteLine(Utf8JsonWriter writer, TuSimplePrediction prediction)
    {
        writer.WriteStartObject();
        writer.WriteString("raw_file", prediction.RawFile);
        writer.WriteStartArray("lanes");
        foreach (double[] lane in prediction.Lanes)
        {
            writer.WriteStartArray();
            foreach (double x in lane)
            {
                writer.WriteNumberValue(Finite(x, prediction));
            }

            writer.WriteEndArray();
        }

        writer.WriteEndArray();
        if (prediction.HSamples is { } rows)
        {
            writer.WriteStartArray("h_samples");
            foreach (double row in rows)
            {
                writer.WriteNumberValue(row);
            }

            writer.WriteEndArray();
        }

        writer.WriteNumber("run_time", Finite(prediction.RunTimeMilliseconds, prediction));
        writer.WriteEndObject();
    }

    private static double Finite(double value, TuSimplePrediction prediction) =>
        double.IsFinite(value)
            ? value
            : throw new BadInputException(
                "the numbers of a prediction must be finite",
                string.Create(CultureInfo.InvariantCulture, $"{prediction.RawFile}: {value}"),
                "Write -2 in rows where a lane has no point.");

    private static BadInputException Bad(string requirement, string source, JsonElement found) =>
        new(requirement, $"{source}: {BadInputException.Excerpt(found.GetRawText())}", Remedy);
}

/// <summary>The lanes predicted for one frame: one line of a TuSimple prediction file.</summary>
/// <param name="RawFile">The frame, as its label names it: <c>clips/0530/1492626760788443246_0/20.jpg</c>.</param>
/// <param name="Lanes">
/// For each lane its x in pixels of the original image at each of the label's rows; any negative number, usually
/// <see cref="Data.TuSimpleLabel.NoPoint"/>, where the lane has no point.
/// </param>
/// <param name="RunTimeMilliseconds">The time that the prediction took. Above 200 ms the benchmark scores the frame 0. NaN when it is unknown.</param>
public sealed record TuSimplePrediction(string RawFile, double[][] Lanes, double RunTimeMilliseconds)
{
    /// <summary>Where the prediction was read from, for error messages: <c>FILE, line N</c>; null when it comes from memory.</summary>
    public string? Source { get; init; }

    /// <summary>The rows of the lanes, for frames without a label that gives them; null when the label does. Written, but not read.</summary>
    public double[]? HSamples { get; init; }

    /// <summary>The same lanes with their rows in the opposite order.</summary>
    public TuSimplePrediction Reversed() => this with { Lanes = Array.ConvertAll(Lanes, lane => (double[])[.. lane.Reverse()]) };
}
