using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using Convoy.Distributed.Launch;

namespace Convoy.Training.Workers;

/// <summary>What kind of program stands behind <c>--</c>.</summary>
public enum ProgramKind
{
    /// <summary>One with a task: its Main calls <c>TrainingProgram.Run</c>, so that it can be asked what its task is, and be told its settings.</summary>
    Task,

    /// <summary>Any other that can be started on several processes: a script, a program in another language, a loop of one's own.</summary>
    Other,
}

/// <summary>Tells by a program's files what kind it is. Nothing is started: a program that knows no questions would train.</summary>
public static class ProgramInspection
{
    private const string EntryType = "TrainingProgram", EntryNamespace = "Convoy.Training.Programs", LibraryPrefix = "Convoy.";

    // Options of dotnet that stand before the program and have a value.
    private static readonly string[] HostOptionsWithValue = ["--additionalprobingpath", "--depsfile", "--runtimeconfig", "--fx-version", "--roll-forward", "--additional-deps"];

    /// <summary>The kind of a program.</summary>
    /// <param name="program">The program as its processes are started: <c>dotnet X.dll</c>, a program's own file, anything else.</param>
    /// <returns><see cref="ProgramKind.Task"/> when its assembly, or a library of it, calls <c>TrainingProgram.Run</c>.</returns>
    /// <exception cref="BadInputException">There is no such program.</exception>
    public static ProgramKind KindOf(LaunchProgram program)
    {
        ArgumentNullException.ThrowIfNull(program);
        if (Path.GetFileName(program.FileName) == "env" && program.Arguments.SkipWhile(word => word.Contains('=')).ToArray() is [var behind, .. var rest] && !behind.StartsWith('-'))
        {
            return KindOf(new LaunchProgram(behind, rest)); // env NAME=VALUE PROGRAM
        }

        string path = FindProgram(program.FileName) ?? throw new BadInputException(
            $"there is no such program{(Path.GetFileName(program.FileName) == program.FileName ? " here or in PATH" : string.Empty)}", program.FileName, "Check its path.");
        return Assembly(path, program.Arguments) is { } assembly && CallsTrainingProgram(assembly) ? ProgramKind.Task : ProgramKind.Other;
    }

    /// <summary>The file that the system would start; null when there is none.</summary>
    private static string? FindProgram(string name)
    {
        string[] endings = OperatingSystem.IsWindows() ? ["", ".exe", ".cmd", ".bat"] : [""];
        IEnumerable<string> folders = Path.GetFileName(name) != name
            ? [string.Empty]
            : (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries).Prepend(string.Empty);
        return (from folder in folders from ending in endings let path = Path.Combine(folder, name + ending) where File.Exists(path) select path).FirstOrDefault();
    }

    // The managed program: what dotnet is given, or the one beside a program's own file, which only starts it.
    private static string? Assembly(string path, IReadOnlyList<string> arguments)
    {
        if (!Path.GetFileNameWithoutExtension(path).Equals("dotnet", StringComparison.OrdinalIgnoreCase))
        {
            string beside = OperatingSystem.IsWindows() ? Path.ChangeExtension(path, ".dll") : path + ".dll";
            return File.Exists(beside) ? beside : null;
        }

        for (int i = 0; i < arguments.Count; i++)
        {
            if (arguments[i].StartsWith('-'))
            {
                i += HostOptionsWithValue.Contains(arguments[i]) ? 1 : 0;
            }
            else if (arguments[i] != "exec")
            {
                return !arguments[i].EndsWith(".dll", StringComparison.OrdinalIgnoreCase) ? null
                    : File.Exists(arguments[i]) ? arguments[i]
                    : throw new BadInputException("there is no such program", arguments[i], "Build it, or check its path.");
            }
        }

        return null;
    }

    // Its own assembly, or a library that it refers to: a Main may leave the call to that.
    private static bool CallsTrainingProgram(string assembly)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(assembly))!;
        var seen = new HashSet<string> { Path.GetFullPath(assembly) };
        var open = new Queue<string>(seen);
        while (open.TryDequeue(out string? file))
        {
            (bool calls, IReadOnlyList<string> references) = Examine(file);
            if (calls)
            {
                return true;
            }

            foreach (string next in references.Where(name => !name.StartsWith(LibraryPrefix, StringComparison.Ordinal)).Select(name => Path.Combine(folder, name + ".dll")).Where(File.Exists).Where(seen.Add))
            {
                open.Enqueue(next);
            }
        }

        return false;
    }

    private static (bool Calls, IReadOnlyList<string> References) Examine(string file)
    {
        try
        {
            using var image = new PEReader(File.OpenRead(file));
            if (!image.HasMetadata)
            {
                return (false, []);
            }

            MetadataReader metadata = image.GetMetadataReader();
            bool calls = metadata.TypeReferences.Select(metadata.GetTypeReference).Any(type =>
                metadata.StringComparer.Equals(type.Name, EntryType) && metadata.StringComparer.Equals(type.Namespace, EntryNamespace));
            return (calls, [.. metadata.AssemblyReferences.Select(reference => metadata.GetString(metadata.GetAssemblyReference(reference).Name))]);
        }
        catch (Exception error) when (error is BadImageFormatException or IOException or UnauthorizedAccessException)
        {
            return (false, []); // no assembly of .NET, or not ours to read: whatever it is, it is not asked
        }
    }
}
