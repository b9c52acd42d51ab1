using System.Globalization;

namespace Convoy.Distributed.Backends.Mpi;

/// <summary>What becomes of a rank.</summary>
internal enum PeerEventKind
{
    /// <summary>It left the group in order.</summary>
    Left,

    /// <summary>An operation failed there, because another rank ended or left.</summary>
    PeerLost,

    /// <summary>An operation failed there, because ranks did not come in time.</summary>
    TimedOut,

    /// <summary>An operation failed there, because ranks called different things.</summary>
    Mismatch,

    /// <summary>An operation failed there for another reason.</summary>
    Failed,
}

/// <summary>Something that a rank tells the others of a group through the store.</summary>
/// <param name="Group">The group's name.</param>
/// <param name="Rank">The rank in it.</param>
/// <param name="Kind">What became of it.</param>
/// <param name="Operations">How many collective operations of the group it had done.</param>
/// <param name="Culprit">The rank because of which it failed; -1: none.</param>
/// <param name="CulpritLeft">Whether that one left in order.</param>
/// <param name="Text">The error's message.</param>
internal sealed record PeerEvent(string Group, int Rank, PeerEventKind Kind, long Operations, int Culprit, bool CulpritLeft, string Text)
{
    private const char Separator = '\n';

    /// <summary>What a rank tells of its first error.</summary>
    public static PeerEvent Of(Exception error, string group, int rank, long operations)
    {
        var lost = error as PeerLostException;
        return new PeerEvent(
            group,
            rank,
            error switch
            {
                PeerLostException => PeerEventKind.PeerLost,
                CollectiveTimeoutException => PeerEventKind.TimedOut,
                CollectiveMismatchException => PeerEventKind.Mismatch,
                _ => PeerEventKind.Failed,
            },
            operations,
            lost?.Rank ?? (error as CollectiveTimeoutException)?.MissingRanks.FirstOrDefault(-1) ?? -1,
            lost is { HasLeft: true },
            error.Message);
    }

    /// <summary>What <see cref="ToText"/> gave; null: something else.</summary>
    public static PeerEvent? Parse(string text)
    {
        string[] parts = text.Split(Separator, 7);
        return parts.Length == 7
            && Enum.TryParse(parts[0], out PeerEventKind kind)
            && Number(parts[2]) is { } rank && Number(parts[3]) is { } operations && Number(parts[4]) is { } culprit && Number(parts[5]) is { } left
            ? new PeerEvent(parts[1], (int)rank, kind, operations, (int)culprit, left != 0, parts[6])
            : null;

        static long? Number(string text) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? number : null;
    }

    public string ToText() => string.Join(
        Separator, Kind, Group, Rank.ToString(CultureInfo.InvariantCulture), Operations.ToString(CultureInfo.InvariantCulture), Culprit.ToString(CultureInfo.InvariantCulture), CulpritLeft ? "1" : "0", Text);
}
