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
            writer.WriteLine(prefix ? line.ToString() : line.Text);
        }
    }

    /// <summary>Says that everything starts again, and why.</summary>
    public void ShowRestart(WorkerFailure failure, int restart, int most) =>
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"convoy: restart {restart} of {most}: {failure.Explain(severalNodes)}"));

    /// <summary>Says why the run failed: the cause in one line, its last lines and exception, then all failures in the order of time.</summary>
    /// <returns>The exit code of the rank that failed first.</returns>
    public static int ShowFailure(LaunchResult result)
    {
        string[] lines = result.ToString().Split(Environment.NewLine);
        return ConsoleOutput.Error(lines[0], result.ExitCode, lines[1..]);
    }
}
