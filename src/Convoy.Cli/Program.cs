using System.CommandLine;
using System.CommandLine.Invocation;
using Convoy.Cli.Commands;
using Convoy.Lanes;

namespace Convoy.Cli;

/// <summary>Parses the command line, runs the verb, and turns what went wrong into one line and an exit code.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        var verbose = new Option<bool>("--verbose") { Description = "Show the stack trace of an error.", Recursive = true };
        var root = new RootCommand("Convoy trains lane detectors on many processes and studies how training scales.")
        {
            verbose,
        };
        foreach (Command verb in Verbs())
        {
            root.Subcommands.Add(verb);
        }

        ParseResult parsed = root.Parse(args);
        if (parsed.Action is ParseErrorAction)
        {
            return ConsoleOutput.Error(parsed.Errors[0].Message, ExitCodes.BadUsage);
        }

        try
        {
            using var interruption = new Interruption();
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, interruption.Token);
        }
        catch (OperationCanceledException)
        {
            return ExitCodes.Interrupted;
        }
        catch (Exception error)
        {
            int code = error is BadInputException ? ExitCodes.BadUsage : ExitCodes.Failed;
            return ConsoleOutput.Error(parsed.GetValue(verbose) ? error.ToString() : error.Message, code);
        }
    }

    private static IEnumerable<Command> Verbs()
    {
        yield return LaunchCommand.Create();
    }
}
