using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Diagnostics;

/// <summary>What one rank's <see cref="FlightRecorder"/> wrote.</summary>
/// <param name="Rank">The rank.</param>
/// <param name="Size">How many ranks the job has.</param>
/// <param name="ProcessId">The rank's process.</param>
/// <param name="Time">When it was written.</param>
/// <param name="Reason">Why it was written.</param>
/// <param name="Operations">The last operations, the oldest first.</param>
public sealed record FlightRecording(int Rank, int Size, int ProcessId, DateTimeOffset Time, string Reason, IReadOnlyList<FlightRecord> Operations)
{
    /// <summary>The file of a rank in <paramref name="directory"/>.</summary>
    public static string PathFor(string directory, int rank) => Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"flight-recorder-rank-{rank}.json"));

    /// <summary>Reads the recordings of all ranks that left one, by rank. One that is damaged is passed over: the others still say much.</summary>
    /// <param name="directory">The folder; it need not exist.</param>
    /// <param name="onDamaged">Told of each file that is passed over, with the reason, in a line; null: nobody is.</param>
    public static IReadOnlyList<FlightRecording> ReadAll(string directory, Action<string>? onDamaged = null)
    {
        List<FlightRecording> found = [];
        foreach (string file in Files(directory, onDamaged))
        {
            try
            {
                found.Add(Read(file));
            }
            catch (Exception error) when (error is JsonException or InvalidOperationException or NotSupportedException or FormatException or ArgumentException
                or InvalidDataException or IOException or UnauthorizedAccessException)
            {
                onDamaged?.Invoke($"a flight recorder file is damaged and was skipped ({file}: {error.Message.ReplaceLineEndings(" ")})");
            }
        }

        return [.. found.OrderBy(recording => recording.Rank)];
    }

    /// <summary>Removes the recordings of an earlier start.</summary>
    public static void DeleteAll(string directory)
    {
        foreach (string file in Directory.Exists(directory) ? Directory.GetFiles(directory, "flight-recorder-rank-*.json") : [])
        {
            File.Delete(file);
        }
    }

    private static string[] Files(string directory, Action<string>? onDamaged)
    {
        try
        {
            return Directory.Exists(directory) ? Directory.GetFiles(directory, "flight-recorder-rank-*.json") : [];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            onDamaged?.Invoke($"the flight recorder's files cannot be read ({directory}: {error.Message})");
            return [];
        }
    }

    private static FlightRecording Read(string file)
    {
        FlightRecording? recording = JsonSerializer.Deserialize(File.ReadAllText(file), FlightRecorderJson.Default.FlightRecording);
        string? fault = recording switch
        {
            null => "it holds null",
            { Operations: null } => "it has no operations",
            _ when recording.Size is < 1 or > RankPlace.MaximumRanks => FormattableString.Invariant($"a size of {recording.Size} ranks"),
            _ when recording.Rank < 0 || recording.Rank >= recording.Size => FormattableString.Invariant($"rank {recording.Rank} of {recording.Size}"),
            _ when Path.GetFileName(PathFor("", recording.Rank)) != Path.GetFileName(file) => FormattableString.Invariant($"it is of rank {recording.Rank}"),
            _ => recording.Operations.Select(FaultOf).FirstOrDefault(found => found is not null),
        };
        return fault is null ? recording! : throw new InvalidDataException(fault);
    }

    // The texts are printed: in one line, and without what would steer a terminal.
    private static string? FaultOf(FlightRecord? record, int index) =>
        record is not { Group: { Length: > 0 } group, Call: { Length: > 0 } call } ? FormattableString.Invariant($"operation {index} lacks its group or its call")
        : record.Number < 1 || !Enum.IsDefined(record.Kind) ? FormattableString.Invariant($"operation {index} has number {record.Number} and kind {record.Kind}")
        : group.Any(char.IsControl) || call.Any(char.IsControl) ? FormattableString.Invariant($"operation {index} has control characters in its group or its call")
        : null;

    /// <summary>Writes it to <paramref name="directory"/>, which is made when it is not there.</summary>
    internal void Write(string directory)
    {
        Directory.CreateDirectory(directory);
        string path = PathFor(directory, Rank), unfinished = path + ".tmp";
        File.WriteAllText(unfinished, JsonSerializer.Serialize(this, FlightRecorderJson.Default.FlightRecording));
        File.Move(unfinished, path, overwrite: true);
    }
}

/// <summary>One operation of one rank, as a <see cref="FlightRecorder"/> remembers it. Times are seconds of the clock that all processes of a machine share.</summary>
/// <param name="Group">The name of the group.</param>
/// <param name="Number">Its number among the group's collective operations, or among its messages; see <see cref="Work.Number"/>.</param>
/// <param name="Kind">Which operation.</param>
/// <param name="Call">The operation with its arguments, as <see cref="Operation.ToString"/> gives it.</param>
/// <param name="QueuedSeconds">When it was asked for.</param>
/// <param name="StartedSeconds">When this rank began it.</param>
/// <param name="AllArrivedSeconds">When all ranks had begun it; null when that has not happened or is not known.</param>
/// <param name="FinishedSeconds">When it was done or failed; null when it was under way.</param>
/// <param name="Error">Why it failed; null when it did not.</param>
public sealed record FlightRecord(
    string Group,
    long Number,
    [property: JsonConverter(typeof(JsonStringEnumConverter<OperationKind>))] OperationKind Kind,
    string Call,
    double QueuedSeconds,
    double StartedSeconds,
    double? AllArrivedSeconds,
    double? FinishedSeconds,
    string? Error)
{
    /// <summary>Whether it concerns two ranks only.</summary>
    [JsonIgnore]
    public bool IsMessage => Kind is OperationKind.Send or OperationKind.Receive;

    /// <summary>The record of <paramref name="work"/> as it is now.</summary>
    internal static FlightRecord From(Work work) => new(
        work.Group,
        work.Number,
        work.Operation.Kind,
        work.Operation.ToString(),
        Seconds(work.QueuedTimestamp),
        Seconds(work.StartedTimestamp),
        work.AllArrivedTimestamp == 0 ? null : Seconds(work.AllArrivedTimestamp),
        work.FinishedTimestamp == 0 ? null : Seconds(work.FinishedTimestamp),
        work.Error?.Message);

    private static double Seconds(long timestamp) => (double)timestamp / Stopwatch.Frequency;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(FlightRecording))]
internal sealed partial class FlightRecorderJson : JsonSerializerContext;
