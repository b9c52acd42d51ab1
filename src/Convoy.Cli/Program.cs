using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Convoy.Cli.Commands;

namespace Convoy.Cli;

/// <summary>Parses the command line, runs the verb, and turns what went wrong into one line and an exit code.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        StandardStreams.Secure();
        var verbose = new Option<bool>("--verbose") { Description = "Show the stack trace of an error.", Recursive = true };
        using var interruption = new Interruption(TimeProvider.System);
        try
        {
            ParseResult parsed = Root(verbose).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
            if (parsed.Action is ParseErrorAction)
            {
                return ConsoleOutput.Error(UsageError.Describe(parsed), ExitCodes.BadUsage);
            }

            interruption.IsWorker = parsed.CommandResult.Command.Hidden;

            // Interruption stands in for the library's own signal handling, which ends the program 2 s after Ctrl-C.
            var configuration = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
            int code = await parsed.InvokeAsync(configuration, interruption.Token);
            return code != ExitCodes.Done && interruption.Token.IsCancellationRequested ? interruption.ExitCode : code;
        }
        catch (OperationCanceledException)
        {
            return interruption.ExitCode;
        }
        catch (Exception error)
        {
            var report = ErrorReport.Of(error, args);
            ConsoleOutput.Error(report.Message, report.ExitCode);
            if (args.Contains(verbose.Name))
            {
                await Console.Error.WriteLineAsync(error.ToString());
            }

            return report.ExitCode;
        }
    }

    /// <summary>The program with all its verbs.</summary>
    internal static RootCommand Root(Option<bool> verbose)
    {
        var root = new RootCommand("Convoy trains lane detectors on many processes and studies how training scales.") { verbose };
        foreach (Command verb in Verbs())
        {
            root.Subcommands.Add(verb);
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

    private static IEnumerable<Command> Verbs()
    {
        yield return TrainCommand.Create();
        yield return TrainWorkerCommand.Create();
        yield return EvalCommand.Create();
        yield return PredictCommand.Create();
        yield return ScaleCommand.Create();
        yield return TuneCommand.Create();
        yield return TrialWorkerCommand.Create();
        yield return ReportCommand.Create();
        yield return DoctorCommand.Create();
        yield return DataCommand.Create();
        yield return ScoreCommand.Create();
        yield return LaunchCommand.Create();
        yield return BenchCommand.Create();
        yield return BenchAllReduceWorkerCommand.Create();
        yield return BenchStepWorkerCommand.Create();
    }
}
