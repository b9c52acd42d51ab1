using System.Diagnostics;
using System.Globalization;
using Convoy.Training.Workers;

namespace Convoy.Stress.Kills;

/// <summary>All processes of a trial, also those that its programs started: a variable in their environment marks them.</summary>
/// <param name="mark">The variable's value.</param>
internal sealed class MarkedProcesses(string mark)
{
    /// <summary>The variable.</summary>
    public const string Variable = "CONVOY_KILLS_TRIAL";

    /// <summary>The mark.</summary>
    public string Mark => mark;

    /// <summary>Those that live, with their command lines.</summary>
    public IReadOnlyList<(int Id, string Command)> Living()
    {
        var found = new List<(int, string)>();
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int id) && Read(folder, "environ").Split('\0').Contains($"{Variable}={mark}"))
            {
                found.Add((id, Read(folder, "cmdline").Replace('\0', ' ')));
            }
        }

        return found;
    }

    /// <summary>The worker processes among them.</summary>
    public IReadOnlyList<int> Workers() => [.. Living().Where(process => Read($"/proc/{process.Id}", "environ").Split('\0').Contains($"{WorkerRole.Variable}={WorkerRole.Train}")).Select(process => process.Id)];

    /// <summary>Sends SIGKILL to one of them.</summary>
    public static void Kill(int id)
    {
        try
        {
            using Process process = Process.GetProcessById(id);
            process.Kill();
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException)
        {
            // It has ended by itself.
        }
    }

    /// <summary>Sends SIGKILL to all of them, until none is left.</summary>
    public void KillAll()
    {
        while (Living() is { Count: > 0 } living)
        {
            foreach ((int id, _) in living)
            {
                Kill(id);
            }
        }
    }

    /// <summary>Waits for the end of all of them.</summary>
    /// <returns>Those that live on; empty when none does.</returns>
    public async Task<IReadOnlyList<(int Id, string Command)>> WaitForEndAsync(TimeSpan patience)
    {
        long start = Stopwatch.GetTimestamp();
        IReadOnlyList<(int, string)> living = Living();
        while (living.Count > 0 && Stopwatch.GetElapsedTime(start) < patience)
        {
            await Task.Delay(50);
            living = Living();
        }

        return living;
    }

    private static string Read(string folder, string name)
    {
        try
        {
            return File.ReadAllText(Path.Combine(folder, name));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It ended meanwhile, or is another user's.
            return string.Empty;
        }
    }
}
