using System.Text.Json;

namespace Convoy.Training.Tuning;

/// <summary>What rank 0 of a trial's processes tells: one line of JSON on standard output.</summary>
/// <param name="Trial">The trial's number within the group, from 0.</param>
/// <param name="StepSeconds">Seconds of a step that counts; null when the line tells something else.</param>
/// <param name="End">How the trial ended, by its name; null while it goes on.</param>
internal sealed record TrialEvent(int Trial, double? StepSeconds = null, string? End = null)
{
    private const string Mark = "{\"Trial\":";

    /// <summary>The event as a line.</summary>
    public string ToLine() => JsonSerializer.Serialize(this);

    /// <summary>Reads a line of <see cref="ToLine"/>; null for any other line, such as one that another writer of the same output cut up.</summary>
    public static TrialEvent? FromLine(string line)
    {
        if (!line.StartsWith(Mark, StringComparison.Ordinal))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize<TrialEvent>(line) is { Trial: >= 0, StepSeconds: null or (> 0 and < double.PositiveInfinity) } what && (what.End is null || Enum.GetNames<TrialEnd>().Contains(what.End))
                ? what
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
