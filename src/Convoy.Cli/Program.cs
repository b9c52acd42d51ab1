using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Convoy.Cli.Commands;
using Convoy.Cli.Training;
using Convoy.Lanes.Training;
using Convoy.Training.Programs;
using Convoy.Training.Workers;

namespace Convoy.Cli;

/// <summary>Parses the command line, runs the verb, and turns what went wrong into one line and an exit code.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        if (WorkerRole.Current is not null)
        {
            return TrainingProgram.Run([], new LaneTask()); // one of the processes that train, measure or prepare the lane detector
        }

        (string[] own, string[] words) = TaskChoice.Split(args);
        LaunchedJob? job = null;
        int code = await ConsoleProgram.RunAsync(own, async program =>
        {
            if (LaunchedTraining.IsRefused(own, words))
            {
                return ExitCodes.BadUsage;
            }

            // Of the ranks that a launcher has started the first reads the command line, and tells the others.
            job = LaunchedTraining.JobOf(own);
            if (job is { IsFirst: false })
            {
                return job.Follow(new LaneTask(), program.Interrupted);
            }

            var verbose = new Option<bool>("--verbose") { Description = "Show the stack trace of an error.", Recursive = true };
            ParseResult parsed = Root(verbose, new TaskChoice(words), job).Parse(own, new ParserConfiguration { ResponseFileTokenReplacer = null });
            if (parsed.Action is ParseErrorAction)
            {
                return ConsoleOutput.Error(UsageError.Describe(parsed), ExitCodes.BadUsage);
            }

            program.IsWorker = parsed.CommandResult.Command.Hidden;

            // Convoy's own handling of signals stands in for the library's, which ends the program 2 s after Ctrl-C.
            var configuration = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
            return await parsed.InvokeAsync(configuration, program.Interrupted);
        });
        return job?.End(code) ?? code;
    }

    /// <summary>The program with all its verbs.</summary>
    internal static RootCommand Root(Option<bool> verbose, TaskChoice choice, LaunchedJob? job = null)
    {
        var root = new RootCommand("Convoy trains models on many processes and studies how training scales.") { verbose };
        foreach (Command verb in Verbs(choice, job))
        {
            root.Subcommands.Add(verb);
        }

        if (!Libtorch.IsPartOfProgram)
        {
            ToolVerbs.Apply(root);
        }

        ShowHelpWithoutVerb(root);
        CommandLineRules.Apply(root);
        return root;
    }

    /// <summary>A command that only groups others, and the program itself, print their help when no verb follows.</summary>
    private static void ShowHelpWithoutVerb(Command command)
    {
        if (command.Action is null && command.Subcommands.Count > 0)
        {
            command.SetAction(parsed => new HelpAction().Invoke(parsed));
        }

        foreach (Command verb in command.Subcommands)
        {
            ShowHelpWithoutVerb(verb);
        }
    }

    private static IEnumerable<Command> Verbs(TaskChoice choice, LaunchedJob? job)
    {
        yield return TrainCommand.Create(choice, job);
        yield return EvalCommand.Create();
        yield return PredictCommand.Create();
        yield return ScaleCommand.Create(choice);
        yield return TuneCommand.Create(choice);
        yield return ReportCommand.Create();
        yield return DoctorCommand.Create();
        yield return DataCommand.Create();
        yield return ScoreCommand.Create();
        yield return LaunchCommand.Create();
        yield return BenchCommand.Create(choice);
        yield return BenchAllReduceWorkerCommand.Create();
        yield return BenchConvolutionWorkerCommand.Create();
    }
}
