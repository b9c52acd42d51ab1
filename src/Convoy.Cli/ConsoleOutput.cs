using System.Text.Json;
using System.Text.Json.Serialization;
using Convoy.Training.Programs;
using Convoy.Training;
using Spectre.Console;

namespace Convoy.Cli;

/// <summary>
/// Where the program writes: results on standard output, everything else on standard error. With <c>--json</c> standard
/// output holds one JSON document and nothing else.
/// </summary>
internal static class ConsoleOutput
{
    // Lines that no terminal breaks must not be broken here either: logs and pipes take whole lines.
    private const int UnbrokenWidth = 4096;

    private static readonly JsonSerializerOptions JsonFormat = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // it goes to a file or a pipe, not into a web page
        WriteIndented = true,
        NewLine = "\n",
    };

    /// <summary>The option that a verb with a machine-readable result takes.</summary>
    public static System.CommandLine.Option<bool> JsonOption() =>
        new("--json") { Description = "Print the result as one JSON document; everything else goes to standard error." };

    /// <summary>
    /// The terminal for what people read: standard output, or standard error when <paramref name="json"/> claims standard
    /// output. Without a terminal there are no colours and no broken lines.
    /// </summary>
    /// <param name="json">Whether standard output is for a document.</param>
    /// <param name="plain">Whether it is no terminal though it looks like one: Open MPI's mpirun gives each rank one, and what it writes may go to a file.</param>
    public static IAnsiConsole People(bool json = false, bool plain = false)
    {
        TextWriter writer = json ? Console.Error : Console.Out;
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer), Ansi = plain ? AnsiSupport.No : AnsiSupport.Detect, ColorSystem = plain ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect });
        if (plain || (json ? Console.IsErrorRedirected : Console.IsOutputRedirected))
        {
            console.Profile.Width = UnbrokenWidth;
        }

        return console;
    }

    /// <summary>Whether bars can be drawn on <paramref name="console"/>: it is a terminal that moves its cursor.</summary>
    public static bool IsTerminal(IAnsiConsole console) => console.Profile.Out.IsTerminal && console.Profile.Capabilities.Ansi;

    /// <summary>Prints a verb's result as one JSON document, names in snake_case. A verb calls this at most once.</summary>
    public static void Json<T>(T result) => Console.Out.WriteLine(JsonSerializer.Serialize(result, JsonFormat));

    /// <summary>Writes the document that <see cref="Json{T}"/> would print to a file.</summary>
    public static void JsonFile<T>(string path, T result) =>
        OutputFile.Write(path, stream => JsonSerializer.Serialize(stream, result, JsonFormat));

    /// <summary>Writes a line that people should see on standard error, whatever else goes where.</summary>
    public static void Notice(string line) => ConsoleProgram.WriteNotice(line);

    /// <summary>Writes one error line, below it <paramref name="details"/> as they are, and gives back <paramref name="exitCode"/>.</summary>
    public static int Error(string message, int exitCode, params IEnumerable<string> details)
    {
        ConsoleProgram.WriteError(message);
        foreach (string line in details)
        {
            Console.Error.WriteLine(line);
        }

        return exitCode;
    }

    /// <summary>Writes one line that its user should know and that ends nothing.</summary>
    public static void Warning(string message) => ConsoleProgram.WriteWarning(message);
}
