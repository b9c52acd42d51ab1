using System.Globalization;
using System.Text.Json;
using Convoy.Lanes.Data;

namespace Convoy.Lanes.Evaluation;

/// <summary>
/// Prediction files in the form that the TuSimple benchmark takes: one JSON object a line with <c>raw_file</c>,
/// <c>lanes</c> and <c>run_time</c> in milliseconds. Other members, such as <c>h_samples</c>, are skipped, and so are blank lines.
/// Objects over several lines and a list of objects are read too.
/// </summary>
public static class TuSimplePredictionFile
{
    private const string Remedy = """A prediction is a JSON object such as {"raw_file":"clips/a/20.jpg","lanes":[[-2,632.5]],"run_time":20}.""";

    /// <summary>Reads a prediction file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="requireRunTime">Whether each prediction must have its <c>run_time</c>; where it may be missing, it reads as NaN.</param>
    /// <exception cref="BadInputException">
    /// The file is missing or cannot be read, or what stands in it is not a prediction; the message names the file, the line and what was found.
    /// </exception>
    public static IReadOnlyList<TuSimplePrediction> Read(string path, bool requireRunTime = true)
    {
        ArgumentNullException.ThrowIfNull(path);
        return [.. JsonObjectFile.Read(path, "prediction").Select(prediction =>
            ReadPrediction(prediction.Value, string.Create(CultureInfo.InvariantCulture, $"{path}, line {prediction.Line}"), requireRunTime))];
    }

    /// <summary>
    /// Writes a prediction file: to a temporary name in the same folder first, so that a failure leaves an earlier file as it was.
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
                throw Bad("raw_file must be text", source, rawFile);
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
            throw JsonObjectFile.HalfCharacter(source, error);
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

    private static double Number(JsonElement element, string what, string source) =>
        element.ValueKind == JsonValueKind.Number && element.TryGetDouble(out double value) && double.IsFinite(value)
            ? value
            : throw Bad(what, source, element);

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
                "a prediction must be made of finite numbers",
                string.Create(CultureInfo.InvariantCulture, $"{prediction.RawFile}: {value}"),
                "Write -2 in rows where a lane has no point.");

    private static BadInputException Bad(string what, string source, JsonElement found) =>
        new(what, $"{source}: {Shorten(found.GetRawText())}", Remedy);

    private static string Shorten(string text) => text.Length <= 60 ? text : string.Concat(text.AsSpan(0, 57), "...");
}

/// <summary>The lanes predicted for one frame, as one line of a TuSimple prediction file holds them.</summary>
/// <param name="RawFile">The frame, as its label names it: <c>clips/0530/1492626760788443246_0/20.jpg</c>.</param>
/// <param name="Lanes">
/// For each lane its x in pixels of the original image at each of the label's rows; any negative number, usually
/// <see cref="Data.TuSimpleLabel.NoPoint"/>, where the lane has no point.
/// </param>
/// <param name="RunTimeMilliseconds">The time that the prediction took. Above 200 ms the benchmark scores the frame 0. NaN when it is not known.</param>
public sealed record TuSimplePrediction(string RawFile, double[][] Lanes, double RunTimeMilliseconds)
{
    /// <summary>Where the prediction was read from, for error messages: <c>FILE line N</c>; null when it was made in memory.</summary>
    public string? Source { get; init; }

    /// <summary>The rows that the lanes are given at, for frames that have no label to say so; null leaves them to the label. Written, not read.</summary>
    public double[]? HSamples { get; init; }

    /// <summary>The same lanes with their rows in the opposite order.</summary>
    public TuSimplePrediction Reversed() => this with { Lanes = Array.ConvertAll(Lanes, lane => (double[])[.. lane.Reverse()]) };
}
