using System.Text;

namespace Convoy.Distributed.Launch.Processes;

/// <summary>
/// Finds the processes of one launcher by its mark in their environment (Linux: /proc): also those that a worker
/// started and left behind when it died, which no longer are descendants of the launcher.
/// </summary>
internal static class JobProcesses
{
    /// <summary>The variable that marks every process of one launcher.</summary>
    public const string MarkVariable = "CONVOY_LAUNCH_ID";

    /// <summary>The ids of the living processes that the launcher <paramref name="launchId"/> started; empty where there is no /proc.</summary>
    public static IReadOnlyList<int> Find(string launchId)
    {
        var found = new List<int>();
        if (!OperatingSystem.IsLinux())
        {
            return found;
        }

        byte[] entry = Encoding.ASCII.GetBytes($"\0{MarkVariable}={launchId}\0");
        foreach (string directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory), out int processId) && processId != Environment.ProcessId && Holds(directory, entry))
            {
                found.Add(processId);
            }
        }

        return found;
    }

    private static bool Holds(string directory, byte[] entry)
    {
        try
        {
            byte[] environment = [0, .. File.ReadAllBytes(directory + "/environ"), 0];
            return environment.AsSpan().IndexOf(entry) >= 0;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            // Ended just now (its environment is gone), or another user's: not one of ours either way.
            return false;
        }
    }
}
