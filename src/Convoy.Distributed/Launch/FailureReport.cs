using System.Globalization;

namespace Convoy.Distributed.Launch;

/// <summary>Why a run failed, in the words of <c>convoy launch</c>: the cause in one line, its last lines and exception, then all failures in the order of time.</summary>
internal static class FailureReport
{
    /// <summary>The whole report, a line each.</summary>
    /// <param name="cause">The root cause.</param>
    /// <param name="failures">All failures, the cause first.</param>
    /// <param name="withNode">Whether the machine is named.</param>
    public static IEnumerable<string> Lines(WorkerFailure cause, IReadOnlyList<WorkerFailure> failures, bool withNode) =>
        [.. Lines(cause, withNode), .. Exception(cause), .. Summary(failures)];

    /// <summary>One failure: what happened, and the last lines.</summary>
    public static IEnumerable<string> Lines(WorkerFailure failure, bool withNode) => [Cause(failure, withNode), .. failure.LastLines.Select(line => Prefixed(failure.Rank, line))];

    /// <summary>A line of a worker, with its rank before it.</summary>
    public static string Prefixed(int rank, string text) => string.Create(CultureInfo.InvariantCulture, $"[rank {rank}] {text}");

    private static string Cause(WorkerFailure failure, bool withNode)
    {
        string what = OneLine(withNode ? failure.DescribeWithNode() : failure.Describe()).TrimEnd('.') + ".";
        if (failure.SignalName == "SIGKILL")
        {
            what += " If nobody sent that signal, the system may have run out of memory.";
        }

        return what + (failure.LastLines.Count == 0 ? " It wrote nothing." : " Its last lines:");
    }

    // A program that dies of its exception prints it itself: once is enough.
    private static IEnumerable<string> Exception(WorkerFailure failure)
    {
        string[] stack = failure.Callstack?.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
        return stack.Length == 0 || failure.LastLines.Any(line => line.Trim() == stack[^1])
            ? []
            : ["Its exception:", .. failure.Callstack!.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n').Select(line => Prefixed(failure.Rank, line))];
    }

    private static IEnumerable<string> Summary(IReadOnlyList<WorkerFailure> failures) => failures.Count < 2 ? [] :
    [
        "Failures, the root cause first:",
        .. failures.Select(f => string.Create(
            CultureInfo.InvariantCulture,
            $"  rank {f.Rank} (local rank {f.LocalRank}), pid {f.ProcessId} on node {f.NodeRank} ({f.Host}), {f.Time:yyyy-MM-dd HH:mm:ss.fff}Z, exit code {f.ExitCode}{(f.SignalName is null ? string.Empty : " (" + f.SignalName + ")")}{Message(f)}")),
    ];

    private static string Message(WorkerFailure failure) =>
        failure.Message is null ? string.Empty : ": " + failure.Message.ReplaceLineEndings(" ");

    private static string OneLine(string message) =>
        string.Join(' ', message.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
}
