namespace Convoy.Distributed;

/// <summary>
/// This process's standard streams: the one place at which the library writes to the console, for what is there to write to it, <see cref="ProcessGroup.Print(string?)"/> and the main
/// of a worker. Everything else takes a writer or a callback.
/// </summary>
internal static class Terminal
{
    private const string ErrorMark = "convoy: error: ";

    /// <summary>Standard output.</summary>
    public static TextWriter Output => Console.Out;

    /// <summary>Standard error.</summary>
    public static TextWriter Error => Console.Error;

    /// <summary>Writes what went wrong to standard error, with Convoy's mark before its first line.</summary>
    public static void WriteError(string message) => Error.WriteLine(ErrorMark + message);

    /// <summary>Writes a line to standard error that people should see and that ends nothing.</summary>
    public static void WriteNotice(string message) => Error.WriteLine("convoy: " + message);
}
