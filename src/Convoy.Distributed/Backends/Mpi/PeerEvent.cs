using System.Globalization;

namespace Convoy.Distributed.Backends.Mpi;

/// <summary>Something that a rank tells the others of a group through the store: that it leaves the group in order, or why it no longer takes part.</summary>
/// <param name="Group">The group's name.</param>
/// <param name="Rank">The rank in it.</param>
/// <param name="Operations">How many collective operations of the group it had done.</param>
/// <param name="Failure">The operation that failed there; null: it leaves in order.</param>
internal sealed record PeerEvent(string Group, int Rank, long Operations, FailureCause? Failure)
{
    private const char Separator = '\n';

    private const string Left = "Left";

    /// <summary>What <see cref="ToText"/> gave; null: something else.</summary>
    public static PeerEvent? Parse(string text)
    {
        string[] parts = text.Split(Separator, 7);
        if (parts.Length != 7 || Number(parts[2]) is not { } rank || Number(parts[3]) is not { } operations || Number(parts[4]) is not { } culprit || Number(parts[5]) is not { } left)
        {
            return null;
        }

        return parts[0] == Left ? new PeerEvent(parts[1], (int)rank, operations, null)
            : Enum.TryParse(parts[0], out FailureKind kind) ? new PeerEvent(parts[1], (int)rank, operations, new FailureCause(kind, (int)culprit, 0, left != 0, parts[6]))
            : null;

        static long? Number(string text) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? number : null;
    }

    public string ToText()
    {
        FailureCause failure = Failure ?? new FailureCause(FailureKind.None, -1, 0, false, "");
        return string.Join(
            Separator, Failure is null ? Left : failure.Kind.ToString(), Group, Text(Rank), Text(Operations), Text(failure.Culprit), failure.CulpritLeft ? "1" : "0", failure.Text);

        static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
    }
}
