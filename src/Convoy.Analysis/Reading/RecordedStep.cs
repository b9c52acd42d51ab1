using System.Globalization;
using System.Text.Json;
using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Reading;

/// <summary>One record of another tool's metrics file, with what it has.</summary>
internal sealed record RecordedStep(int Rank, long Step, double? ElapsedSeconds, double? Loss, int? BatchSize)
{
    private const int LongestShown = 60;

    public static RecordedStep Of(JsonElement record, int index, string place)
    {
        if (record.ValueKind != JsonValueKind.Object)
        {
            throw new AnalysisInputException("a record of \"metrics\" is not an object", place, "Leave the file out, or mend it.");
        }

        double? elapsed = Number(record, "elapsed_time", place);
        StepChecks.Require(elapsed, "elapsed_time", place, isStep: false);
        double? batch = Number(record, "batch_size", place);
        if (batch is { } size && !(size >= 1 && size == Math.Floor(size) && size <= int.MaxValue))
        {
            throw new AnalysisInputException("not a batch size", $"batch_size {size.ToString(CultureInfo.InvariantCulture)}, {place}", "Leave the file out, or mend it.");
        }

        return new RecordedStep(
            (int)Whole(record, "rank", 0, Configuration.MostProcesses, place),
            (long)Whole(record, "step", index + 1, StepChecks.MostSteps, place),
            elapsed,
            Number(record, "loss", place),
            (int?)batch);
    }

    /// <summary>A value for a message.</summary>
    public static string Shown(JsonElement value)
    {
        string text = value.GetRawText().ReplaceLineEndings(" ");
        return text.Length <= LongestShown ? text : string.Concat(text.AsSpan(0, LongestShown), "...");
    }

    private static double Whole(JsonElement record, string name, double otherwise, double most, string place)
    {
        double value = Number(record, name, place) ?? otherwise;
        return value >= 0 && value <= most && value == Math.Floor(value)
            ? value
            : throw new AnalysisInputException($"\"{name}\" is not a whole number from 0", $"{value.ToString(CultureInfo.InvariantCulture)}, {place}", "Leave the file out, or mend it.");
    }

    private static double? Number(JsonElement record, string name, string place)
    {
        if (!record.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.Number)
        {
            return value.GetDouble();
        }

        return value.ValueKind == JsonValueKind.String && double.TryParse(value.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            ? number
            : throw new AnalysisInputException($"\"{name}\" is not a number", $"{Shown(value)}, {place}", "Leave the file out, or mend it.");
    }
}
