using System.Text.Json;

namespace Convoy.Distributed.Launch;

/// <summary>What a launcher says of its machine when it joins the others.</summary>
/// <param name="Host">The machine's name.</param>
/// <param name="ProcessCount">How many workers it starts.</param>
/// <param name="NodeCount">How many machines it was told of.</param>
/// <param name="RunId">The job that it belongs to.</param>
/// <param name="MaxRestarts">How many restarts it was told to allow.</param>
internal sealed record NodeIntroduction(string Host, int ProcessCount, int NodeCount, string RunId, int MaxRestarts)
{
    private const int MostProcesses = 1 << 16;

    /// <summary>How many workers it starts.</summary>
    /// <exception cref="JsonException">No such number, in an introduction from elsewhere.</exception>
    public int ProcessCount { get; } = ProcessCount is >= 1 and <= MostProcesses
        ? ProcessCount
        : throw new JsonException(FormattableString.Invariant($"not a number of processes: {ProcessCount}"));
}
