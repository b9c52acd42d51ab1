using System.Globalization;
using System.Text.Json;

namespace Convoy.Distributed.Launch.Membership;

/// <summary>What a launcher says of its machine when it joins the others.</summary>
/// <param name="Host">The machine's name.</param>
/// <param name="ProcessCount">How many workers it starts.</param>
/// <param name="NodeRank">The number that its settings give it; null: by the order of arrival.</param>
/// <param name="NodeCount">How many machines its settings name, at most.</param>
/// <param name="MinNodeCount">How many at least.</param>
/// <param name="RunId">The job that it belongs to.</param>
/// <param name="MaxRestarts">How many restarts its settings allow.</param>
internal sealed record NodeIntroduction(string Host, int ProcessCount, int? NodeRank, int NodeCount, int MinNodeCount, string RunId, int MaxRestarts)
{
    private const int MostProcesses = 1 << 16;

    /// <summary>How many workers it starts.</summary>
    /// <exception cref="JsonException">No such number, in an introduction from elsewhere.</exception>
    public int ProcessCount { get; } = ProcessCount is >= 1 and <= MostProcesses
        ? ProcessCount
        : throw new JsonException(FormattableString.Invariant($"the number of processes is {ProcessCount}"));

    /// <summary>The first setting that has to be the same on all machines and is not, with both values; null when they agree.</summary>
    public (string Setting, string Own, string Other)? DifferenceFrom(NodeIntroduction other) =>
        Nodes != other.Nodes ? ("number of machines", Nodes, other.Nodes)
        : RunId != other.RunId ? ("run id", RunId, other.RunId)
        : MaxRestarts != other.MaxRestarts ? ("number of restarts", Text(MaxRestarts), Text(other.MaxRestarts))
        : null;

    private string Nodes => MinNodeCount == NodeCount ? Text(NodeCount) : $"{Text(MinNodeCount)}:{Text(NodeCount)}";

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
