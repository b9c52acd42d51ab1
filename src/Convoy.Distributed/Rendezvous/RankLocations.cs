using System.Globalization;
using System.Text;

namespace Convoy.Distributed.Rendezvous;

/// <summary>How the ranks of a job find out which of them share a host: each tells where its launcher says that it runs.</summary>
internal static class RankLocations
{
    /// <summary>Tells the others where this rank runs, and gives where all run. All ranks have come when it returns.</summary>
    /// <param name="store">The job's store.</param>
    /// <param name="rank">This process's number.</param>
    /// <param name="size">How many ranks there are.</param>
    /// <param name="own">Where it runs, as its launcher says.</param>
    /// <param name="timeout">How long to wait for the others.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="StoreTimeoutException">Some ranks did not come; it names them.</exception>
    /// <exception cref="RendezvousException">What the ranks' launchers say does not fit together.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    public static HostLayout Exchange(Store store, int rank, int size, RankLocation own, TimeSpan timeout, CancellationToken cancellation)
    {
        store.Set(Key(rank), own.ToString());
        try
        {
            store.Wait([.. Enumerable.Range(0, size).Select(Key)], timeout, cancellation);
        }
        catch (StoreTimeoutException error)
        {
            throw RankPresence.NotJoined(store, [.. Enumerable.Range(0, size).Where(other => error.MissingKeys.Any(key => key.EndsWith(Key(other), StringComparison.Ordinal)))], error);
        }

        // One reads what all say and hands it on: were all to read all, a thousand ranks would ask the store a million times.
        const string AllKey = "hosts";
        if (rank == 0)
        {
            store.Set(AllKey, string.Join('\n', Enumerable.Range(0, size).Select(other => store.GetText(Key(other), timeout, cancellation))));
        }

        string[] lines = store.GetText(AllKey, timeout, cancellation).Split('\n');
        return lines.Length == size ? Layout([.. lines.Select(RankLocation.Parse)]) : throw new RendezvousException(FormattableString.Invariant(
            $"rank 0 told of {lines.Length} ranks instead of {size}. Give all ranks the same WORLD_SIZE."));
    }

    /// <summary>
    /// The layout that the ranks' launchers describe. As a rule each host runs ranks that follow each other, and only LOCAL_RANK and LOCAL_WORLD_SIZE count: two launchers
    /// on one machine are two hosts then. Otherwise, as when ranks are dealt out in turn, hosts are told by their names.
    /// </summary>
    /// <exception cref="RendezvousException">What the ranks say does not fit together.</exception>
    public static HostLayout Layout(IReadOnlyList<RankLocation> ranks)
    {
        int[] hosts = new int[ranks.Count];
        if (AreBlocks(ranks))
        {
            int host = -1;
            for (int rank = 0; rank < ranks.Count; rank++)
            {
                hosts[rank] = ranks[rank].LocalRank == 0 ? ++host : host;
            }
        }
        else
        {
            string[] names = [.. ranks.Select(rank => rank.Name).Distinct()];
            for (int rank = 0; rank < ranks.Count; rank++)
            {
                hosts[rank] = Array.IndexOf(names, ranks[rank].Name);
            }
        }

        RequireAgreement(ranks, hosts);
        return new HostLayout(hosts);
    }

    // Local ranks count up with the ranks on each host, so where they begin with 0 again the next host begins.
    private static bool AreBlocks(IReadOnlyList<RankLocation> ranks)
    {
        for (int first = 0; first < ranks.Count; first += ranks[first].LocalSize)
        {
            for (int local = 0; local < ranks[first].LocalSize; local++)
            {
                if (first + local >= ranks.Count || ranks[first + local].LocalRank != local || ranks[first + local].LocalSize != ranks[first].LocalSize)
                {
                    return false;
                }
            }
        }

        return true;
    }

    // Ranks that are taken to share a host share memory: a wrong number must not get that far.
    private static void RequireAgreement(IReadOnlyList<RankLocation> ranks, int[] hosts)
    {
        var counts = hosts.CountBy(host => host).ToDictionary();
        for (int rank = 0; rank < ranks.Count; rank++)
        {
            int first = Array.IndexOf(hosts, hosts[rank]);
            if (counts[hosts[rank]] != ranks[rank].LocalSize)
            {
                throw new RendezvousException(FormattableString.Invariant(
                    $"rank {rank} is told that its host runs {ranks[rank].LocalSize} ranks (LOCAL_WORLD_SIZE), but {counts[hosts[rank]]} came from {ranks[rank].Name}. Set LOCAL_WORLD_SIZE to the number of ranks on each host, and LOCAL_RANK to the rank's number there."));
            }

            if (ranks[rank].Name != ranks[first].Name)
            {
                throw new RendezvousException(FormattableString.Invariant(
                    $"ranks {first} and {rank} are told that they share a host (LOCAL_WORLD_SIZE is {ranks[rank].LocalSize}), but run on {ranks[first].Name} and {ranks[rank].Name}. Set LOCAL_WORLD_SIZE to the number of ranks on each host, and LOCAL_RANK to the rank's number there."));
            }
        }
    }

    private static string Key(int rank) => string.Create(CultureInfo.InvariantCulture, $"host/{rank}");
}

/// <summary>Where a rank runs.</summary>
/// <param name="LocalRank">Its number on its host.</param>
/// <param name="LocalSize">How many ranks its host runs.</param>
/// <param name="Name">The host's name.</param>
internal readonly record struct RankLocation(int LocalRank, int LocalSize, string Name)
{
    /// <summary>Where this process runs.</summary>
    public static RankLocation Own(int localRank, int localSize) => new(localRank, localSize, Environment.MachineName);

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    /// <exception cref="RendezvousException">It is something else.</exception>
    public static RankLocation Parse(string text)
    {
        string[] parts = text.Split(' ', 3);
        return parts.Length == 3 && parts[2].Length > 0
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int localRank)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int localSize) && localRank < localSize
            ? new RankLocation(localRank, localSize, parts[2])
            : throw new RendezvousException($"a rank told something else than where it runs ('{text}'). Use the same version of Convoy on all hosts.");
    }

    /// <inheritdoc/>
    public override string ToString() => new StringBuilder().Append(CultureInfo.InvariantCulture, $"{LocalRank} {LocalSize} {Name}").ToString();
}
