using System.Globalization;

namespace Convoy.Distributed.Launch;

/// <summary>The first failure of a run, by time: its root cause. What follows it is taken for its consequence.</summary>
/// <param name="Rank">The rank that failed first.</param>
/// <param name="ProcessId">Its process id.</param>
/// <param name="ExitCode">Its exit code; 128 + the signal's number when a signal ended it, as shells count.</param>
/// <param name="SignalName">The signal that ended it ("SIGKILL"), or null when it exited by itself.</param>
/// <param name="LastLines">Its last lines of standard error, or of standard output when it wrote no errors.</param>
/// <param name="Message">The error that it recorded with <see cref="WorkerErrorFile"/>, or null.</param>
public sealed record WorkerFailure(int Rank, int ProcessId, int ExitCode, string? SignalName, IReadOnlyList<string> LastLines, string? Message = null)
{
    /// <summary>One sentence: "rank 1 (pid 123) exited with code 3", with the error where one is recorded.</summary>
    public string Describe() => Message is not null
        ? string.Create(CultureInfo.InvariantCulture, $"rank {Rank} (pid {ProcessId}) failed with exit code {ExitCode}: {Message}")
        : SignalName is null
        ? string.Create(CultureInfo.InvariantCulture, $"rank {Rank} (pid {ProcessId}) exited with code {ExitCode}")
        : string.Create(CultureInfo.InvariantCulture, $"rank {Rank} (pid {ProcessId}) was ended by {SignalName} (exit code {ExitCode})");
}
