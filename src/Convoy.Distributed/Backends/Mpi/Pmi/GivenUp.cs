using System.Globalization;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Backends.Mpi.Pmi;

/// <summary>A rank that has given up, as it tells the others through the store. The first one that does counts.</summary>
/// <param name="Rank">Its number.</param>
/// <param name="ProcessId">Its process.</param>
/// <param name="Cause">Why.</param>
internal sealed record GivenUp(int Rank, int ProcessId, string Cause)
{
    private const string Key = "pmi/given-up";

    /// <summary>Tells the others.</summary>
    public void Tell(Store store) => store.CompareSet(Key, "", FormattableString.Invariant($"{Rank} {ProcessId} {Cause}"));

    /// <summary>The rank that gave up; null: none has.</summary>
    public static GivenUp? Find(Store store) => RankPresence.Find(store, Key) is { } text ? Parse(text) : null;

    /// <summary>The error of a rank that waited for this one.</summary>
    public PeerLostException ToError(string operation) => new(operation, Rank, ProcessId, Cause);

    private static GivenUp Parse(string text)
    {
        string[] parts = text.Split(' ', 3);
        return parts.Length == 3
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int rank)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int processId)
            ? new GivenUp(rank, processId, parts[2])
            : throw new RendezvousException($"a rank gave up and told why in another form ('{text}'). Use the same version of Convoy on all hosts.");
    }
}
