using System.Globalization;

namespace Convoy.Distributed.Launch;

/// <summary>How one worker failed. The first failure of a run, by time, is its root cause; what follows is taken for its consequence.</summary>
/// <param name="Rank">The rank that failed.</param>
/// <param name="ProcessId">Its process id.</param>
/// <param name="ExitCode">Its exit code; 128 + the signal's number when a signal ended it, as shells count.</param>
/// <param name="SignalName">The signal that ended it ("SIGKILL"), or null when it exited by itself.</param>
/// <param name="LastLines">Its last lines of standard error, or of standard output when it wrote no errors.</param>
/// <param name="Message">The error that it recorded with <see cref="WorkerErrorFile"/>, or null.</param>
public sealed record WorkerFailure(int Rank, int ProcessId, int ExitCode, string? SignalName, IReadOnlyList<string> LastLines, string? Message = null)
{
    /// <summary>The rank's number on its machine.</summary>
    public int LocalRank { get; init; }

    /// <summary>The number of its machine.</summary>
    public int NodeRank { get; init; }

    /// <summary>The name of its machine.</summary>
    public string Host { get; init; } = string.Empty;

    /// <summary>When it failed, by its machine's clock: when it recorded its error, or else ended.</summary>
    public DateTimeOffset Time { get; init; }

    /// <summary>The recorded exception with its type and where it was thrown, in several lines, or null.</summary>
    public string? Callstack { get; init; }

    /// <summary>Whether it only noticed that another rank was lost, so that it is taken for a cause only when there is no other.</summary>
    public bool LostPeer { get; init; }

    /// <summary>One sentence: "rank 1 (pid 123) exited with code 3", with the error where one is recorded.</summary>
    public string Describe() => Describe(string.Create(CultureInfo.InvariantCulture, $"rank {Rank} (pid {ProcessId})"));

    /// <summary>The same with the machine: "rank 1 (pid 123) on node 1 (hosta) exited with code 3".</summary>
    public string DescribeWithNode() => Describe(string.Create(CultureInfo.InvariantCulture, $"rank {Rank} (pid {ProcessId}) on node {NodeRank} ({Host})"));

    /// <summary>Failures with the cause first: a rank that only lost another comes after those that failed by themselves, and time decides.</summary>
    internal static IReadOnlyList<WorkerFailure> CauseFirst(IEnumerable<WorkerFailure> failures) => [.. failures.OrderBy(f => f.LostPeer).ThenBy(f => f.Time)];

    private string Describe(string who) => Message is not null
        ? string.Create(CultureInfo.InvariantCulture, $"{who} failed with exit code {ExitCode}: {Message}")
        : SignalName is null
        ? string.Create(CultureInfo.InvariantCulture, $"{who} exited with code {ExitCode}")
        : string.Create(CultureInfo.InvariantCulture, $"{who} was ended by {SignalName} (exit code {ExitCode})");
}
