using System.Globalization;
using Convoy.Distributed.Launch;

namespace Convoy.Cli.Launching;

/// <summary>What <c>launch</c> shows: the lines of the processes, and in the end why they failed.</summary>
/// <param name="shown">Whether a line goes to the terminal.</param>
/// <param name="prefix">Whether each line begins with its rank.</param>
/// <param name="severalNodes">Whether failures name their machine.</param>
internal sealed class LaunchDisplay(Func<WorkerOutputLine, bool> shown, bool prefix, bool severalNodes)
{
    /// <summary>Passes one line on to the stream that it came from.</summary>
    public void Show(WorkerOutputLine line)
    {
        if (shown(line))
        {
            TextWriter writer = line.Stream == WorkerOutputStream.Error ? Console.Error : Console.Out;
            writer.WriteLine(prefix ? Prefixed(line.Rank, line.Text) : line.Text);
        }
    }

    /// <summary>Says that everything starts again, and why.</summary>
    public void ShowRestart(WorkerFailure failure, int restart, int most) =>
        Console.Error.WriteLine($"convoy: restart {Text(restart)} of {Text(most)}: {string.Join(Environment.NewLine, [Cause(failure), .. LastLines(failure)])}");

    /// <summary>Says why the run failed: the cause in one line, its last lines and exception, then all failures in the order of time.</summary>
    /// <returns>The exit code of the rank that failed first.</returns>
    public int ShowFailure(LaunchResult result)
    {
        WorkerFailure cause = result.Failure!;
        return ConsoleOutput.Error(Cause(cause), result.ExitCode, [.. LastLines(cause), .. Exception(cause), .. Summary(result.Failures)]);
    }

    private string Cause(WorkerFailure failure)
    {
        string what = (severalNodes ? failure.DescribeWithNode() : failure.Describe()).TrimEnd('.') + ".";
        if (failure.SignalName == "SIGKILL")
        {
            what += " If nobody sent that signal, the system may have run out of memory.";
        }

        return what + (failure.LastLines.Count == 0 ? " It wrote nothing." : " Its last lines:");
    }

    private static IEnumerable<string> LastLines(WorkerFailure failure) => failure.LastLines.Select(line => Prefixed(failure.Rank, line));

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

    private static string Prefixed(int rank, string text) => $"[rank {Text(rank)}] {text}";

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
