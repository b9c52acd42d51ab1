using System.Reflection;
using Convoy.Cli;
using Convoy.Training.Programs;
using Spectre.Console;

namespace Convoy.Stress.Mutants;

/// <summary>The program <c>convoy</c>, run within this process.</summary>
internal static class ConvoyProgram
{
    /// <summary>Runs a verb.</summary>
    /// <returns>What it wrote to standard output.</returns>
    /// <exception cref="ProgramRefusedException">It refused what it was given.</exception>
    /// <exception cref="ProgramFailedException">It neither did what it was asked nor refused it: the error is not the input's.</exception>
    public static string Run(params string[] arguments)
    {
        (TextWriter usualOutput, TextWriter usualErrors) = (Console.Out, Console.Error);
        using var output = new StringWriter();
        using var errors = new StringWriter();
        Console.SetOut(output);
        Console.SetError(errors);

        // It keeps the first standard output that it saw.
        AnsiConsole.Console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        try
        {
            MethodInfo entry = typeof(ConsoleOutput).Assembly.EntryPoint!;
            int code = (int)entry.Invoke(null, [(string[])[.. arguments, "--verbose"]])!;
            if (code != ExitCodes.Done)
            {
                throw code == ExitCodes.BadUsage ? new ProgramRefusedException(errors.ToString().Split('\n')[0]) : new ProgramFailedException(code, errors.ToString());
            }

            return output.ToString();
        }
        finally
        {
            Console.SetOut(usualOutput);
            Console.SetError(usualErrors);
        }
    }
}
