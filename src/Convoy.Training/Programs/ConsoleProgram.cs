using Convoy.Training.Workers;

namespace Convoy.Training.Programs;

/// <summary>
/// What every program built on Convoy does around its work: Ctrl-C and SIGTERM ask for an early end, standard streams outlive whoever reads them, and what went
/// wrong becomes one line on standard error and an exit code, see <see cref="ExitCodes"/>.
/// </summary>
public sealed class ConsoleProgram
{
    private const string Verbose = "--verbose";

    private readonly Interruption _interruption;

    private ConsoleProgram(Interruption interruption) => _interruption = interruption;

    /// <summary>Asks for an early end, at the first signal.</summary>
    public CancellationToken Interrupted => _interruption.Token;

    /// <summary>Whether this process is one of several that a launcher watches, which wants to know which signal ended it. Default false.</summary>
    public bool IsWorker
    {
        get => _interruption.IsWorker;
        set => _interruption.IsWorker = value;
    }

    /// <summary>Runs a program.</summary>
    /// <param name="arguments">Its command line; with <c>--verbose</c> in it, an error comes with its stack trace.</param>
    /// <param name="body">The work; gives the exit code.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, Func<ConsoleProgram, Task<int>> body)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        ArgumentNullException.ThrowIfNull(body);
        StandardStreams.Secure();
        using var interruption = new Interruption(TimeProvider.System);
        try
        {
            int code = await body(new ConsoleProgram(interruption)).ConfigureAwait(false);
            return code != ExitCodes.Done && interruption.Token.IsCancellationRequested ? interruption.ExitCode : code;
        }
        catch (OperationCanceledException)
        {
            return interruption.ExitCode;
        }
        catch (Exception error)
        {
            var report = ErrorReport.Describe(error, arguments);
            WriteError(report.Message);
            WriteTrace(error, arguments);
            return report.ExitCode;
        }
    }

    /// <summary>Writes the one line of an error to standard error: <c>convoy: error: WHAT (value). WHAT TO DO</c>.</summary>
    public static void WriteError(string message) => Console.Error.WriteLine($"{FailureText.Mark}{OneLine(message)}");

    /// <summary>Writes one line to standard error that its user should know and that ends nothing.</summary>
    public static void WriteWarning(string message) => Console.Error.WriteLine($"convoy: warning: {OneLine(message)}");

    /// <summary>Writes one line to standard error that people should see, whatever else goes where.</summary>
    public static void WriteNotice(string message) => Console.Error.WriteLine($"convoy: {OneLine(message)}");

    /// <summary>Writes an error's stack trace to standard error where the command line asks for it.</summary>
    internal static void WriteTrace(Exception error, IReadOnlyList<string> arguments)
    {
        if (arguments.Contains(Verbose))
        {
            Console.Error.WriteLine(error);
        }
    }

    private static string OneLine(string message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return string.Join(' ', message.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }
}
