using System.Reflection;

namespace Convoy.Training.Programs;

/// <summary>What the program says of an error, in one line, and the exit code that goes with it.</summary>
/// <param name="Message"><c>WHAT (value). WHAT TO DO</c>.</param>
/// <param name="ExitCode">One of <see cref="ExitCodes"/>.</param>
internal sealed record ErrorReport(string Message, int ExitCode)
{
    // errno, the same numbers on Linux and macOS: .NET keeps them in HResult where it has no exception of its own.
    private const int FileExists = 17, NotADirectory = 20, IsADirectory = 21, ReadOnlyFileSystem = 30;

    /// <summary>Describes <paramref name="error"/>. A file error is bad usage when the command line names the path or a folder above it.</summary>
    /// <param name="error">What was thrown.</param>
    /// <param name="arguments">The command line, to tell the user's paths from the program's own.</param>
    public static ErrorReport Describe(Exception error, IReadOnlyList<string> arguments)
    {
        while (error is TargetInvocationException or TypeInitializationException or AggregateException { InnerExceptions.Count: 1 }
               && error.InnerException is { } cause)
        {
            error = cause;
        }

        return error switch
        {
            BadInputException => new ErrorReport(error.Message, ExitCodes.BadUsage),
            _ when IsMissingTorch(error) => new ErrorReport(
                $"TorchSharp's native library does not load ({FirstLine(error.Message)}). Run 'convoy doctor', which says what is missing.", ExitCodes.Failed),
            IOException or UnauthorizedAccessException when PathIn(error) is { } path => OfFile(error, path, arguments),
            _ => new ErrorReport(error.Message, ExitCodes.Failed),
        };
    }

    private static ErrorReport OfFile(Exception error, string path, IReadOnlyList<string> arguments)
    {
        (string What, string Remedy)? known = error switch
        {
            FileNotFoundException => ("no such file", "Check the path."),
            DirectoryNotFoundException => ("no such folder", "Check the path."),
            UnauthorizedAccessException => ("no permission", "Check the path and its permissions."),
            PathTooLongException => ("the path is too long", "Choose a shorter one."),
            IOException { HResult: FileExists } => ("a file of that name is in the way", "Choose another path."),
            IOException { HResult: NotADirectory } => ("there is a file where a folder should be", "Choose another path."),
            IOException { HResult: IsADirectory } => ("a folder stands where a file should be", "Choose another path."),
            IOException { HResult: ReadOnlyFileSystem } => ("the file system is read-only", "Choose another path."),
            _ => null,
        };
        return known is { } fault && arguments.Any(a => Covers(a, path))
            ? new ErrorReport($"{fault.What} ({path}). {fault.Remedy}", ExitCodes.BadUsage)
            : new ErrorReport(error.Message, ExitCodes.Failed);
    }

    // .NET has the path only in its message, in quotes (FileNotFoundException apart).
    private static string? PathIn(Exception error)
    {
        if (error is FileNotFoundException { FileName: { Length: > 0 } name })
        {
            return Path.GetFullPath(name);
        }

        string[] parts = error.Message.Split('\'');
        return parts.Length >= 3 && Path.IsPathRooted(parts[1]) ? parts[1] : null;
    }

    private static bool Covers(string argument, string path)
    {
        string value = argument.StartsWith("--", StringComparison.Ordinal) && argument.Contains('=') ? argument.Split('=', 2)[1] : argument;
        if (value.Length == 0 || value.Contains('\0'))
        {
            return false;
        }

        string given = Path.TrimEndingDirectorySeparator(Path.GetFullPath(value));
        return path == given || path.StartsWith(given + Path.DirectorySeparatorChar, StringComparison.Ordinal);
    }

    private static bool IsMissingTorch(Exception error) =>
        error is DllNotFoundException or NotSupportedException && error.Message.Contains("torch", StringComparison.OrdinalIgnoreCase);

    private static string FirstLine(string message) => message.Split('\n', 2)[0].TrimEnd('.', '\r', ' ');
}
