using System.Globalization;
using System.Text.Json;

namespace Convoy.Lanes.Data;

/// <summary>
/// Reads and writes TuSimple's label files: one JSON object per line with <c>lanes</c>, <c>h_samples</c> and <c>raw_file</c>. Other fields
/// and blank lines are ignored. Objects that span several lines and a list of objects are read as well.
/// </summary>
public static class TuSimpleLabelFile
{
    private static readonly JsonObjectKind Content = new("label", "lanes, h_samples and raw_file");

    /// <summary>Reads every label of a file, in the order of its lines.</summary>
    /// <param name="path">A label file.</param>
    /// <exception cref="BadInputException">
    /// The file does not exist or has no labels; or a label does not parse, lacks a field, or has a lane whose length is not that of
    /// <c>h_samples</c>: the message names file and line, from 1.
    /// </exception>
    public static IReadOnlyList<TuSimpleLabel> Read(string path) => [.. ReadLines(path).Select(label => label.Label)];

    /// <summary>The labels of a file, each with the number of its first line.</summary>
    /// <exception cref="BadInputException">As <see cref="Read"/>.</exception>
    internal static IReadOnlyList<(TuSimpleLabel Label, int Line)> ReadLines(string path)
    {
        var labels = new List<(TuSimpleLabel, int)>();
        foreach ((JsonElement value, int line) in JsonObjectFile.Read(path, Content))
        {
            labels.Add((Parse(value, path, line), line));
        }

        return labels.Count > 0
            ? labels
            : throw new BadInputException("the label file holds no labels", path, "Give a file with one JSON object per line.");
    }

    /// <summary>Writes one line per label; an existing file is replaced.</summary>
    /// <param name="path">The file to write. Its folder must exist.</param>
    /// <param name="labels">The labels, in order.</param>
    public static void Write(string path, IEnumerable<TuSimpleLabel> labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        using var stream = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None);
        using var json = new Utf8JsonWriter(stream);
        foreach (TuSimpleLabel label in labels)
        {
            json.WriteStartObject();
            json.WriteStartArray("lanes");
            foreach (double[] lane in label.Lanes)
            {
                WriteNumbers(json, lane);
            }

            json.WriteEndArray();
            json.WritePropertyName("h_samples");
            WriteNumbers(json, label.HSamples);
            json.WriteString("raw_file", label.RawFile);
            json.WriteEndObject();
            json.Flush();
            json.Reset();
            stream.Write("\n"u8);
        }
    }

    private static void WriteNumbers(Utf8JsonWriter json, double[] numbers)
    {
        json.WriteStartArray();
        foreach (double number in numbers)
        {
            json.WriteNumberValue(number);
        }

        json.WriteEndArray();
    }

    private static TuSimpleLabel Parse(JsonElement root, string path, int number)
    {
        try
        {
            string rawFile = Field(root, "raw_file", JsonValueKind.String, path, number).GetString()!;
            RequireFileName(rawFile, path, number);
            double[] rows = Numbers(Field(root, "h_samples", JsonValueKind.Array, path, number), "h_samples", path, number);
            bool descends = RequireOneDirection(rows, path, number);
            JsonElement lanes = Field(root, "lanes", JsonValueKind.Array, path, number);
            var points = new double[lanes.GetArrayLength()][];
            int lane = 0;
            foreach (JsonElement list in lanes.EnumerateArray())
            {
                double[] xs = Numbers(list, "lanes", path, number);
                if (xs.Length != rows.Length)
                {
                    throw Bad(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"lane {lane + 1} has {Quantity.Format(xs.Length, "point")}, but h_samples has {Quantity.Format(rows.Length, "row")}"),
                        path,
                        number,
                        "Give each lane one x per row, -2 where it has no point");
                }

                points[lane++] = xs;
            }

            return descends
                ? new TuSimpleLabel(rawFile, Array.ConvertAll(points, Reversed), Reversed(rows)) { RowsDescend = true }
                : new TuSimpleLabel(rawFile, points, rows);
        }
        catch (InvalidOperationException error)
        {
            throw JsonObjectFile.UnpairedSurrogate(Place(path, number), error);
        }
    }

    private static void RequireFileName(string rawFile, string path, int number)
    {
        if (string.IsNullOrWhiteSpace(rawFile))
        {
            throw Bad("raw_file is empty", path, number, "Write the path of the frame's image there");
        }

        int impossible = rawFile.AsSpan().IndexOfAnyInRange('\0', '\x1F');
        if (impossible >= 0)
        {
            throw Bad($"raw_file contains the character U+{(int)rawFile[impossible]:X4}, which paths cannot contain", path, number, "Write the path of the frame's image there");
        }
    }

    private static JsonElement Field(JsonElement root, string name, JsonValueKind kind, string path, int number)
    {
        if (!root.TryGetProperty(name, out JsonElement value))
        {
            throw Bad($"a label has no {name}", path, number, "Give each label lanes, h_samples and raw_file");
        }

        return value.ValueKind == kind
            ? value
            : throw Bad($"{name} is not a {(kind == JsonValueKind.String ? "string" : "list")}", path, number, "Write it as TuSimple's label files do");
    }

    private static double[] Numbers(JsonElement list, string name, string path, int number)
    {
        if (list.ValueKind != JsonValueKind.Array)
        {
            throw Bad($"{name} contains something that is not a list of numbers: {BadInputException.Excerpt(list.GetRawText())}", path, number, "Write it as TuSimple's label files do");
        }

        var numbers = new double[list.GetArrayLength()];
        int index = 0;
        foreach (JsonElement element in list.EnumerateArray())
        {
            if (element.ValueKind != JsonValueKind.Number || !element.TryGetDouble(out double value) || !double.IsFinite(value))
            {
                throw Bad($"{name} contains something that is not a number: {BadInputException.Excerpt(element.GetRawText())}", path, number, "Write it as TuSimple's label files do");
            }

            numbers[index++] = value;
        }

        return numbers;
    }

    /// <summary>Whether the rows descend; rows that neither ascend nor descend are refused.</summary>
    private static bool RequireOneDirection(double[] rows, string path, int number)
    {
        bool descends = rows.Length > 1 && rows[1] < rows[0];
        for (int row = 1; row < rows.Length; row++)
        {
            if (descends ? rows[row] >= rows[row - 1] : rows[row] <= rows[row - 1])
            {
                throw Bad("h_samples neither ascends nor descends", path, number, "List the rows from the top of the image downwards");
            }
        }

        return descends;
    }

    private static double[] Reversed(double[] numbers) => [.. numbers.Reverse()];

    private static BadInputException Bad(string problem, string path, int number, string remedy) =>
        new(problem, Place(path, number), remedy + ".");

    private static string Place(string path, int number) => string.Create(CultureInfo.InvariantCulture, $"{path}, line {number}");
}

/// <summary>A label of TuSimple's form: the lanes of one frame.</summary>
/// <param name="RawFile">The image, relative to the root of the data set, with forward slashes: <c>clips/0313-1/6040/20.jpg</c>.</param>
/// <param name="Lanes">
/// For each lane its x in pixels of the original image at each row of <paramref name="HSamples"/>; any negative number, usually
/// <see cref="NoPoint"/>, where the lane has no point.
/// </param>
/// <param name="HSamples">The rows, y in pixels of the original image, ascending: files that list them from the bottom up are reversed when they are read.</param>
public sealed record TuSimpleLabel(string RawFile, double[][] Lanes, double[] HSamples)
{
    /// <summary>The x that TuSimple writes in rows where a lane has no point.</summary>
    public const double NoPoint = -2;

    /// <summary>Whether the file lists the rows, and with them each lane's x, from the bottom up; predictions for this frame then do so as well.</summary>
    public bool RowsDescend { get; init; }
}
