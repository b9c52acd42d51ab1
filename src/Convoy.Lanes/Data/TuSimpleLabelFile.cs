using System.Globalization;
using System.Text.Json;

namespace Convoy.Lanes.Data;

/// <summary>
/// Reads and writes TuSimple's label files: one JSON object a line with <c>lanes</c>, <c>h_samples</c> and
/// <c>raw_file</c>. Other fields are ignored, and so are blank lines. Objects over several lines and a list of objects
/// are read too.
/// </summary>
public static class TuSimpleLabelFile
{
    /// <summary>Reads every label of a file, in the order of its lines.</summary>
    /// <param name="path">A label file.</param>
    /// <exception cref="BadInputException">
    /// The file is absent or has no label; or a label does not parse, lacks a field, or has a lane that is not as long
    /// as <c>h_samples</c>: the message names file and line number, counted from 1.
    /// </exception>
    public static IReadOnlyList<TuSimpleLabel> Read(string path) => [.. ReadLines(path).Select(label => label.Label)];

    /// <summary>The labels of a file, each with the line that it starts on.</summary>
    /// <exception cref="BadInputException">As <see cref="Read"/>.</exception>
    internal static IReadOnlyList<(TuSimpleLabel Label, int Line)> ReadLines(string path)
    {
        var labels = new List<(TuSimpleLabel, int)>();
        foreach ((JsonElement value, int line) in JsonObjectFile.Read(path, "label"))
        {
            labels.Add((Parse(value, path, line), line));
        }

        return labels.Count > 0
            ? labels
            : throw new BadInputException("the label file holds no label", path, "Give a file with one JSON object a line.");
    }

    /// <summary>Writes one line for each label; an existing file is replaced.</summary>
    /// <param name="path">The file to write. Its folder must exist.</param>
    /// <param name="labels">The labels, in the order of the lines.</param>
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
                            $"lane {lane + 1} has {xs.Length} points, but h_samples has {rows.Length} rows"),
                        path,
                        number,
                        "Give each lane one x for each row, -2 where it has none");
                }

                points[lane++] = xs;
            }

            return descends
                ? new TuSimpleLabel(rawFile, Array.ConvertAll(points, Reversed), Reversed(rows)) { RowsDescend = true }
                : new TuSimpleLabel(rawFile, points, rows);
        }
        catch (InvalidOperationException error)
        {
            throw JsonObjectFile.HalfCharacter(Place(path, number), error);
        }
    }

    private static void RequireFileName(string rawFile, string path, int number)
    {
        if (string.IsNullOrWhiteSpace(rawFile))
        {
            throw Bad("raw_file is empty", path, number, "Name the frame's image there");
        }

        int impossible = rawFile.AsSpan().IndexOfAnyInRange('\0', '\x1F');
        if (impossible >= 0)
        {
            throw Bad($"raw_file holds the character U+{(int)rawFile[impossible]:X4}, which no path has", path, number, "Name the frame's image there");
        }
    }

    private static JsonElement Field(JsonElement root, string name, JsonValueKind kind, string path, int number)
    {
        if (!root.TryGetProperty(name, out JsonElement value))
        {
            throw Bad($"a label line has no {name}", path, number, "Give lanes, h_samples and raw_file in each line");
        }

        return value.ValueKind == kind
            ? value
            : throw Bad($"{name} is not {(kind == JsonValueKind.String ? "a text" : "a list")}", path, number, "Write it as TuSimple's label files do");
    }

    private static double[] Numbers(JsonElement list, string name, string path, int number)
    {
        if (list.ValueKind != JsonValueKind.Array)
        {
            throw Bad($"{name} holds something that is not a list of numbers: {Shorten(list)}", path, number, "Write it as TuSimple's label files do");
        }

        var numbers = new double[list.GetArrayLength()];
        int index = 0;
        foreach (JsonElement element in list.EnumerateArray())
        {
            if (element.ValueKind != JsonValueKind.Number || !element.TryGetDouble(out double value) || !double.IsFinite(value))
            {
                throw Bad($"{name} holds something that is not a number: {Shorten(element)}", path, number, "Write it as TuSimple's label files do");
            }

            numbers[index++] = value;
        }

        return numbers;
    }

    /// <summary>Whether the rows descend; rows that do neither are refused.</summary>
    private static bool RequireOneDirection(double[] rows, string path, int number)
    {
        bool descends = rows.Length > 1 && rows[1] < rows[0];
        for (int row = 1; row < rows.Length; row++)
        {
            if (descends ? rows[row] >= rows[row - 1] : rows[row] <= rows[row - 1])
            {
                throw Bad("h_samples neither ascends nor descends", path, number, "List the rows from the top of the image down");
            }
        }

        return descends;
    }

    private static string Shorten(JsonElement found)
    {
        string text = found.GetRawText().ReplaceLineEndings(" ");
        return text.Length <= 40 ? text : string.Concat(text.AsSpan(0, 37), "...");
    }

    private static double[] Reversed(double[] numbers) => [.. numbers.Reverse()];

    private static BadInputException Bad(string what, string path, int number, string remedy) =>
        new(what, Place(path, number), remedy + ".");

    private static string Place(string path, int number) => string.Create(CultureInfo.InvariantCulture, $"{path}, line {number}");
}

/// <summary>One line of a TuSimple label file: the lanes of one frame.</summary>
/// <param name="RawFile">The image, relative to the data set's root, with forward slashes: <c>clips/0313-1/6040/20.jpg</c>.</param>
/// <param name="Lanes">
/// For each lane its x in pixels of the original image at each row of <paramref name="HSamples"/>;
/// <see cref="NoPoint"/> (any negative number) where the lane has no point.
/// </param>
/// <param name="HSamples">The rows, y in pixels of the original image, ascending: files that list them from the bottom up are turned round when they are read.</param>
public sealed record TuSimpleLabel(string RawFile, double[][] Lanes, double[] HSamples)
{
    /// <summary>The x that TuSimple writes where a lane has no point in a row.</summary>
    public const double NoPoint = -2;

    /// <summary>Whether the file lists the rows from the bottom up, and with them the x of lanes, also of predictions for this frame.</summary>
    public bool RowsDescend { get; init; }
}
