using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Convoy.Lanes.Data;

/// <summary>
/// Reads and writes TuSimple's label files: one JSON object a line with <c>lanes</c>, <c>h_samples</c> and
/// <c>raw_file</c>. Other fields are ignored, and so are blank lines.
/// </summary>
public static class TuSimpleLabelFile
{
    /// <summary>Reads every label of a file, in the order of its lines.</summary>
    /// <param name="path">A label file.</param>
    /// <exception cref="BadInputException">
    /// The file is absent or has no label; or a line does not parse, lacks a field, or has a lane that is not as long
    /// as <c>h_samples</c>: the message names file and line number, counted from 1.
    /// </exception>
    public static IReadOnlyList<TuSimpleLabel> Read(string path)
    {
        if (!File.Exists(path))
        {
            throw new BadInputException("the label file does not exist", path, "Give the path of a TuSimple label file.");
        }

        var labels = new List<TuSimpleLabel>();
        int number = 0;
        foreach (string line in File.ReadLines(path))
        {
            number++;
            if (!string.IsNullOrWhiteSpace(line))
            {
                labels.Add(Parse(line, path, number));
            }
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

    private static TuSimpleLabel Parse(string line, string path, int number)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(Encoding.UTF8.GetBytes(line));
            JsonElement root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
            {
                throw Bad("a label line is not a JSON object", path, number, "Give one JSON object a line");
            }

            string rawFile = Field(root, "raw_file", JsonValueKind.String, path, number).GetString()!;
            if (string.IsNullOrWhiteSpace(rawFile))
            {
                throw Bad("raw_file is empty", path, number, "Name the frame's image there");
            }

            double[] rows = Numbers(Field(root, "h_samples", JsonValueKind.Array, path, number), "h_samples", path, number);
            bool descends = RequireOneDirection(rows, path, number);
            JsonElement lanes = Field(root, "lanes", JsonValueKind.Array, path, number);
            var points = new double[lanes.GetArrayLength()][];
            for (int lane = 0; lane < points.Length; lane++)
            {
                points[lane] = Numbers(lanes[lane], "lanes", path, number);
                if (points[lane].Length != rows.Length)
                {
                    throw Bad(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"lane {lane + 1} has {points[lane].Length} points, but h_samples has {rows.Length} rows"),
                        path,
                        number,
                        "Give each lane one x for each row, -2 where it has none");
                }
            }

            return descends
                ? new TuSimpleLabel(rawFile, Array.ConvertAll(points, Reversed), Reversed(rows)) { RowsDescend = true }
                : new TuSimpleLabel(rawFile, points, rows);
        }
        catch (JsonException error)
        {
            throw new BadInputException(
                "a label line is not valid JSON: it may be cut off",
                Place(path, number),
                "Restore the line from the original label file or delete it.",
                error);
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
            throw Bad($"{name} holds something that is not a list of numbers", path, number, "Write it as TuSimple's label files do");
        }

        var numbers = new double[list.GetArrayLength()];
        int index = 0;
        foreach (JsonElement element in list.EnumerateArray())
        {
            if (element.ValueKind != JsonValueKind.Number || !element.TryGetDouble(out double value) || !double.IsFinite(value))
            {
                throw Bad($"{name} holds something that is not a number", path, number, "Write it as TuSimple's label files do");
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

    private static double[] Reversed(double[] numbers) => [.. numbers.Reverse()];

    private static BadInputException Bad(string what, string path, int number, string remedy) =>
        new(what, Place(path, number), remedy + ".");

    private static string Place(string path, int number) => string.Create(CultureInfo.InvariantCulture, $"{path}, line {number}");
}
