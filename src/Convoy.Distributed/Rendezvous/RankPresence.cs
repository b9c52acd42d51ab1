using System.Globalization;

namespace Convoy.Distributed.Rendezvous;

/// <summary>Tells through the store which process each rank is, so that others on its machine can see whether it still runs.</summary>
internal static class RankPresence
{
    /// <summary>Tells who this process is.</summary>
    public static void Publish(Store store, int rank)
    {
        IProcessTable processes = IProcessTable.Current;
        ProcessIdentity self = ProcessIdentity.CurrentIn(processes);
        store.Set(Key(rank), FormattableString.Invariant($"{self.ProcessId} {self.Start} {processes.Place}"));
    }

    /// <summary>The process id of a rank that has ended; null when it runs, lives where this process cannot see it, or never said who it is.</summary>
    public static int? HasEnded(Store store, int rank)
    {
        IProcessTable processes = IProcessTable.Current;
        return Identity(store, rank, processes) is { } process && process.HasEnded(processes) ? process.ProcessId : null;
    }

    /// <summary>The process id of a rank that a signal has stopped; null when that is not so, or cannot be seen.</summary>
    public static int? IsStopped(Store store, int rank)
    {
        IProcessTable processes = IProcessTable.Current;
        return Identity(store, rank, processes) is { } process && process.IsStopped(processes) ? process.ProcessId : null;
    }

    /// <summary>The error that ranks did not join in time, with what can be seen of their processes.</summary>
    /// <param name="store">The store.</param>
    /// <param name="ranks">The ranks.</param>
    /// <param name="error">The wait for them.</param>
    /// <param name="names">What they are called; null: their numbers.</param>
    public static StoreTimeoutException NotJoined(Store store, IReadOnlyList<int> ranks, StoreTimeoutException error, RankNames? names = null)
    {
        names ??= new RankNames();
        string known = Fates(store, ranks, names) is { Length: > 0 } fates ? $"; {fates}" : "";
        return new(error.MissingKeys, error.Timeout, FormattableString.Invariant(
            $"{RankList.Describe(names.Of(ranks))} did not join the process group within {error.Timeout.TotalSeconds:0.###} s{known}. Check that every process was started, and the output of the missing ones."));
    }

    /// <summary>What can be seen of the processes of ranks that do not come, "; " between them: those that have ended or are stopped.</summary>
    public static string Fates(Store store, IReadOnlyList<int> ranks, RankNames? names = null) => string.Join("; ", ranks.Select(rank => Fate(store, rank, names?[rank] ?? rank)).OfType<string>());

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

    // A rank tells who it is before it joins: what became of it can be seen then.
    private static string? Fate(Store store, int missing, int name)
    {
        try
        {
            return HasEnded(store, missing) is { } ended ? FormattableString.Invariant($"the process of rank {name} (process {ended}) has ended")
                : IsStopped(store, missing) is { } stopped ? FormattableString.Invariant($"the process of rank {name} (process {stopped}) is stopped (SIGSTOP): resume it with kill -CONT {stopped}")
                : null;
        }
        catch (RendezvousException)
        {
            // The store has gone as well. That the rank did not come is what counts.
            return null;
        }
    }

    private static ProcessIdentity? Identity(Store store, int rank, IProcessTable processes)
    {
        string[] parts = (Find(store, Key(rank)) ?? string.Empty).Split(' ', 3);
        return parts.Length == 3 && parts[2].Length > 0 && parts[2] == processes.Place
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int processId)
            && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out long start)
            ? new ProcessIdentity(processId, start)
            : null;
    }

    private static string Key(int rank) => string.Create(CultureInfo.InvariantCulture, $"process/{rank}");
}
