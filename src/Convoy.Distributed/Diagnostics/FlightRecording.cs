using System.Globalization;
using System.Text.Json;

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
    public static string FileOf(string directory, int rank) => Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"flight-recorder-rank-{rank}.json"));

    /// <summary>Reads the recordings of all ranks that left one, by rank. One that another program is still writing or that is broken is left out.</summary>
    /// <param name="directory">The folder; it need not exist.</param>
    public static IReadOnlyList<FlightRecording> ReadAll(string directory)
    {
        List<FlightRecording> found = [];
        string[] files = Directory.Exists(directory) ? Directory.GetFiles(directory, "flight-recorder-rank-*.json") : [];
        foreach (string file in files)
        {
            try
            {
                if (JsonSerializer.Deserialize(File.ReadAllText(file), FlightRecorderJson.Default.FlightRecording) is { Operations: not null } recording)
                {
                    found.Add(recording);
                }
            }
            catch (JsonException)
            {
                // Not ours, or cut short by a full disk: the others still say much.
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

    /// <summary>Writes it to <paramref name="directory"/>, which is made when it is not there.</summary>
    internal void Write(string directory)
    {
        Directory.CreateDirectory(directory);
        string path = FileOf(directory, Rank), unfinished = path + ".tmp";
        File.WriteAllText(unfinished, JsonSerializer.Serialize(this, FlightRecorderJson.Default.FlightRecording));
        File.Move(unfinished, path, overwrite: true);
    }
}
