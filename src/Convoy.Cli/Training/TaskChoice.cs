using System.CommandLine;
using Convoy.Distributed.Launch;
using Convoy.Lanes.Training;
using Convoy.Training.Options;
using Convoy.Training.Programs;

namespace Convoy.Cli.Training;

/// <summary>Whose task a verb runs: the lane detector's, or that of the program which follows <c>--</c>.</summary>
/// <param name="words">The program and its arguments; empty for the lane detector.</param>
internal sealed class TaskChoice(IReadOnlyList<string> words)
{
    /// <summary>What the program's own processes are started with, so that a list of processes shows what they are.</summary>
    public const string WorkerVerb = "lane-worker";

    /// <summary>What help says of <c>--</c>.</summary>
    public const string Help = "For a model of your own in place of the lane detector, give its program, whose Main returns TrainingProgram.Run, and the program's arguments after --.";

    /// <summary>Whether the task is that of a program of the user's.</summary>
    public bool IsOwn => words.Count > 0;

    /// <summary>The program.</summary>
    public IReadOnlyList<string> Words => words;

    /// <summary>The lane detector.</summary>
    /// <param name="framesToDraw">Frames to draw where its data is to be drawn.</param>
    public static TaskProgram Lanes(int framesToDraw) => TaskProgram.Create(new LaneTask { FramesToDraw = framesToDraw }, LaunchProgram.ThisProgram(WorkerVerb));

    /// <summary>The program's task.</summary>
    public static Task<TaskProgram> OwnAsync(IReadOnlyList<string> program, CancellationToken interrupted) => TaskProgram.DescribeAsync(program, ConsoleOutput.Notice, interrupted);

    /// <summary>The settings of a run of a program's task where nothing is given.</summary>
    public static RunConfiguration Defaults(TaskProgram program) => new(VerbDefaults.Own(program.Defaults), program.Settings) { Program = program.Words };

    /// <summary>Splits a command line at <c>--</c> for the verbs that run a task: those after it are the program's.</summary>
    public static (string[] Own, string[] Program) Split(string[] arguments)
    {
        string[] verbs = [.. arguments.TakeWhile(word => word != "--").Where(word => !word.StartsWith('-')).Take(2)];
        int at = Array.IndexOf(arguments, "--");
        return at >= 0 && verbs is ["train" or "scale" or "tune", ..] or ["bench", "step"] && at >= 0 ? (arguments[..at], arguments[(at + 1)..]) : (arguments, []);
    }
}
