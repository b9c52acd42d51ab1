using System.Reflection;
using Convoy.Cli;

namespace Convoy.Stress.Mutants;

/// <summary>The program <c>convoy</c>, run within this process.</summary>
internal static class ConvoyProgram
{
    /// <summary>Runs a verb; what it prints goes nowhere.</summary>
    /// <exception cref="ProgramRefusedException">It refused what it was given.</exception>
    /// <exception cref="ProgramFailedException">It neither did what it was asked nor refused it: the error is not the input's.</exception>
    public static void Run(params string[] arguments)
    {
        TextWriter usual = Console.Error;
        using var errors = new StringWriter();
        Console.SetError(errors);
        try
        {
            MethodInfo entry = typeof(ExitCodes).Assembly.EntryPoint!;
            int code = (int)entry.Invoke(null, [(string[])[.. arguments, "--verbose"]])!;
            if (code != ExitCodes.Done)
            {
                throw code == ExitCodes.BadUsage ? new ProgramRefusedException(errors.ToString().Split('\n')[0]) : new ProgramFailedException(code, errors.ToString());
            }
        }
        finally
        {
            Console.SetError(usual);
        }
    }
}
