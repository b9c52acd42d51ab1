using System.Globalization;
using System.Text.Json;

namespace Convoy.Analysis.Reading;

/// <summary>One record of another tool's metrics file, with what it has.</summary>
internal sealed record RecordedStep(int Rank, long Step, double? ElapsedSeconds, double? Loss, int? BatchSize)
{
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

        return new RecordedStep((int)(Number(record, "rank", place) ?? 0), (long)(Number(record, "step", place) ?? index + 1), elapsed, Number(record, "loss", place), (int?)batch);
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
            : throw new AnalysisInputException($"\"{name}\" is not a number", $"{value.GetRawText()}, {place}", "Leave the file out, or mend it.");
    }
}
