namespace Convoy.Cli;

/// <summary>Where the program writes: results on standard output, everything else on standard error.</summary>
internal static class ConsoleOutput
{
    /// <summary>Writes one error line and gives back <paramref name="exitCode"/>.</summary>
    public static int Error(string message, int exitCode)
    {
        Console.Error.WriteLine($"convoy: error: {message}");
        return exitCode;
    }
}
