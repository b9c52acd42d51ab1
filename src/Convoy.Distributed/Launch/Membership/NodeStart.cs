using System.Text.Json;

namespace Convoy.Distributed.Launch.Membership;

/// <summary>One start of the workers: which machines take part, by their number. Node 0 decides it.</summary>
/// <param name="Number">The start's number, from 0: TORCHELASTIC_RESTART_COUNT.</param>
/// <param name="Restarts">How many of the starts before it failed, and so count as restarts.</param>
/// <param name="Nodes">The machines, in the order of GROUP_RANK.</param>
internal sealed record NodeStart(int Number, int Restarts, IReadOnlyList<StartNode> Nodes)
{
    /// <summary>The machines, in the order of GROUP_RANK.</summary>
    /// <exception cref="JsonException">One is null, in a record from elsewhere.</exception>
    public IReadOnlyList<StartNode> Nodes { get; } = Nodes.Any(node => node is null) ? throw new JsonException("a machine is null") : Nodes;

    /// <summary>The number of the machine with a ticket; null when it does not take part.</summary>
    public int? NodeRankOf(long ticket)
    {
        for (int node = 0; node < Nodes.Count; node++)
        {
            if (Nodes[node].Ticket == ticket)
            {
                return node;
            }
        }

        return null;
    }
}

/// <summary>A machine of a start.</summary>
/// <param name="Ticket">Its launcher's ticket.</param>
/// <param name="Host">Its name.</param>
/// <param name="ProcessCount">How many workers it starts.</param>
internal sealed record StartNode(long Ticket, string Host, int ProcessCount)
{
    private const int MostProcesses = 1 << 16;

    /// <summary>How many workers it starts.</summary>
    /// <exception cref="JsonException">No such number, in a record from elsewhere.</exception>
    public int ProcessCount { get; } = ProcessCount is >= 1 and <= MostProcesses
        ? ProcessCount
        : throw new JsonException(FormattableString.Invariant($"the number of processes is {ProcessCount}"));
}
