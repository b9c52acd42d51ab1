using System.Reflection;

namespace Convoy.Distributed.Launch;

/// <summary>What each worker runs: a program file and the arguments that every rank gets.</summary>
/// <param name="FileName">A path, or a name that is looked up in PATH.</param>
/// <param name="Arguments">The arguments, passed on as they are: no shell reads them.</param>
public sealed record LaunchProgram(string FileName, IReadOnlyList<string> Arguments)
{
    /// <summary>The program that calls this, again, with other arguments.</summary>
    /// <param name="arguments">The arguments of the workers.</param>
    /// <exception cref="LaunchException">The system does not say where this program lies.</exception>
    public static LaunchProgram ThisProgram(params IReadOnlyList<string> arguments)
    {
        string process = Environment.ProcessPath
            ?? throw new LaunchException("this program's path is unknown (Environment.ProcessPath is empty). Name the program to launch.");
        return ThisProgram(process, Assembly.GetEntryAssembly()?.Location, arguments);
    }

    /// <summary><c>dotnet program.dll</c> is two files: the host runs again with the same assembly.</summary>
    internal static LaunchProgram ThisProgram(string processPath, string? entryAssembly, IReadOnlyList<string> arguments)
    {
        bool byHost = Path.GetFileNameWithoutExtension(processPath).Equals("dotnet", StringComparison.OrdinalIgnoreCase);
        return byHost && !string.IsNullOrEmpty(entryAssembly)
            ? new LaunchProgram(processPath, [entryAssembly, .. arguments])
            : new LaunchProgram(processPath, arguments);
    }
}
