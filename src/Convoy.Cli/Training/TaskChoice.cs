using System.CommandLine;
using Convoy.Cli.Launching;
using Convoy.Distributed.Launch;
using Convoy.Lanes.Training;
using Convoy.Training.Options;
using Convoy.Training.Programs;
using Convoy.Training.Workers;

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
    /// <exception cref="BadInputException">This program has no libtorch.</exception>
    public static TaskProgram Lanes(int framesToDraw)
    {
        Libtorch.Require("the lane detector");
        return TaskProgram.Create(new LaneTask { FramesToDraw = framesToDraw }, LaunchProgram.ThisProgram(WorkerVerb));
    }

    /// <summary>A program's task. What the program says on standard error is passed on as it is.</summary>
    /// <exception cref="BadInputException">There is no such program, or it has no task.</exception>
    public static async Task<TaskProgram> OwnAsync(IReadOnlyList<string> program, CancellationToken interrupted) =>
        await OwnAsync(await GivenProgram.FindAsync(program, interrupted), interrupted);

    /// <summary>The task of a program that was looked at. A program with none is not started.</summary>
    /// <exception cref="BadInputException">It has none.</exception>
    public static Task<TaskProgram> OwnAsync(GivenProgram program, CancellationToken interrupted) => program.Kind == ProgramKind.Task
        ? TaskProgram.DescribeAsync([program.Program.FileName, .. program.Program.Arguments], Console.Error.WriteLine, interrupted)
        : throw new BadInputException(
            "the program has no task for Convoy.Training",
            string.Join(' ', program.Words),
            "Its Main must be 'return TrainingProgram.Run(args, new MyTask());'. Any other program is started by convoy launch and studied by convoy scale.");

    /// <summary>The task of the program that is given; null for the lane detector.</summary>
    /// <param name="settings">The verb's options that are settings.</param>
    /// <param name="parsed">The command line.</param>
    /// <param name="data">The verb's option for the lane detector's data.</param>
    /// <param name="interrupted">Ends the wait for the program.</param>
    /// <exception cref="BadInputException">Options of the lane detector are given with a program.</exception>
    public async Task<TaskProgram?> OwnAsync(SettingOptions settings, ParseResult parsed, Option<string?> data, CancellationToken interrupted)
    {
        if (!IsOwn)
        {
            return null;
        }

        settings.RequireNoneOfLanes(parsed, data);
        return await OwnAsync(Words, interrupted);
    }

    /// <summary>The settings of a run of a program's task where nothing is given.</summary>
    public static RunConfiguration Defaults(TaskProgram program) => new(program.Defaults, program.Settings) { Program = program.Words };

    /// <summary>Splits a command line at <c>--</c> for the verbs that run a task: those after it are the program's.</summary>
    public static (string[] Own, string[] Program) Split(string[] arguments)
    {
        int at = Array.IndexOf(arguments, "--");
        return at >= 0 && arguments[..at].Where(word => !word.StartsWith('-')).Take(2).ToArray() is ["train" or "scale" or "tune", ..] or ["bench", "step"]
            ? (arguments[..at], arguments[(at + 1)..])
            : (arguments, []);
    }
}
