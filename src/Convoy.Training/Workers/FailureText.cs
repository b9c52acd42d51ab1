using System.Text.RegularExpressions;
using Convoy.Distributed.Launch;

namespace Convoy.Training.Workers;

/// <summary>What a failed process of a run says of itself, in one line.</summary>
public static partial class FailureText
{
    /// <summary>What stands before the one line of an error on standard error.</summary>
    public const string Mark = "convoy: error: ";

    /// <summary>Describes a failure: who failed, why as far as it is known, and what to look at or do.</summary>
    /// <param name="failure">The failure.</param>
    /// <param name="hasTimeout">Whether the verb has a <c>--timeout</c> to speak of.</param>
    /// <param name="keepsLogs">Whether the run's logs are still there when this is read; if not, the last line that the process wrote stands for them.</param>
    public static string Describe(WorkerFailure failure, bool hasTimeout = true, bool keepsLogs = true)
    {
        string? reason = failure.LastLines.LastOrDefault(line => line.StartsWith(Mark, StringComparison.Ordinal));
        string what = failure.Describe();
        return failure.Message is not null
            ? InOptions(what, hasTimeout)
            : reason is not null
            ? InOptions($"{what}: {reason[Mark.Length..]}", hasTimeout)
            : failure.SignalName == "SIGKILL"
                ? $"{what}. If nobody sent that signal, the system may have run out of memory: use fewer processes or a smaller batch."
                : keepsLogs ? $"{what}. {PlaceOfOutput(failure)}"
                : LastLine(failure) is { } line ? $"{what}: {line}."
                : $"{what}, and wrote nothing.";
    }

    /// <summary>The last line that the process wrote, without its full stop; null when it wrote none.</summary>
    internal static string? LastLine(WorkerFailure failure) => failure.LastLines.LastOrDefault(line => !string.IsNullOrWhiteSpace(line))?.Trim().TrimEnd('.');

    /// <summary>Where what the process wrote can be read, in a sentence.</summary>
    internal static string PlaceOfOutput(WorkerFailure failure) => $"Its output is in the run's logs/rank-{failure.Rank}.log.";

    /// <summary>A library's error for its user: the library speaks of what its caller sets; whoever reads this sets options, and has no addresses to look at.</summary>
    /// <param name="text">The error.</param>
    /// <param name="hasTimeout">Whether the verb has a <c>--timeout</c> to speak of.</param>
    internal static string InOptions(string text, bool hasTimeout)
    {
        text = text
            .Replace("join the process group", "join the run", StringComparison.Ordinal)
            .Replace(", and that MASTER_ADDR and MASTER_PORT are its own", string.Empty, StringComparison.Ordinal)
            .Replace(", or give the process group a longer timeout", hasTimeout ? ", or give a longer --timeout" : string.Empty, StringComparison.Ordinal)
            .Replace(", or give a longer timeout", hasTimeout ? ", or give a longer --timeout" : string.Empty, StringComparison.Ordinal);
        if (hasTimeout && Deadline().IsMatch(text) && !text.Contains("--timeout", StringComparison.Ordinal))
        {
            text += " Or give a longer --timeout.";
        }

        return text.Contains("/dev/shm has no room", StringComparison.Ordinal) ? $"{text} See docs/troubleshooting/shared-memory-too-small.md." : text;
    }

    [GeneratedRegex(@" within [0-9.]+ s\b", RegexOptions.CultureInvariant)]
    private static partial Regex Deadline();
}
