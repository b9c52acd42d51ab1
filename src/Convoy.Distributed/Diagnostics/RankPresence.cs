using System.Globalization;
using Convoy.Distributed.Backends.SharedMemory.Platform;
using Convoy.Distributed.Errors;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Diagnostics;

/// <summary>Tells through the store which process each rank is, so that others on its machine can see whether it still runs.</summary>
internal static class RankPresence
{
    private const string NamespaceFile = "/proc/self/ns/pid";
    private const string BootFile = "/proc/sys/kernel/random/boot_id";

    /// <summary>Tells who this process is.</summary>
    public static void Publish(Store store, int rank)
    {
        ProcessIdentity self = ProcessIdentity.Current(IPlatform.Current);
        store.Set(Key(rank), FormattableString.Invariant($"{self.ProcessId} {self.Start} {Place()}"));
    }

    /// <summary>The process id of a rank that has ended; null when it runs, lives where this process cannot see it, or never said who it is.</summary>
    public static int? HasEnded(Store store, int rank)
    {
        string[] parts = (Find(store, Key(rank)) ?? string.Empty).Split(' ', 3);
        return parts.Length == 3 && parts[2].Length > 0 && parts[2] == Place()
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int processId)
            && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out long start)
            && new ProcessIdentity(processId, start).HasEnded(IPlatform.Current)
            ? processId
            : null;
    }

    /// <summary>The text at <paramref name="key"/>, or null when there is none now.</summary>
    public static string? Find(Store store, string key)
    {
        try
        {
            return store.GetText(key, TimeSpan.Zero);
        }
        catch (StoreTimeoutException)
        {
            return null;
        }
    }

    private static string Key(int rank) => string.Create(CultureInfo.InvariantCulture, $"process/{rank}");

    // A process number means something only on one machine and within one container's view of it. Empty: unknown.
    private static string Place()
    {
        try
        {
            return OperatingSystem.IsLinux() ? $"{File.ReadAllText(BootFile).Trim()} {new FileInfo(NamespaceFile).LinkTarget}" : string.Empty;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return string.Empty;
        }
    }
}
