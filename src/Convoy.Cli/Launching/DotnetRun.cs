using System.ComponentModel;
using System.Diagnostics;
using Convoy.Distributed.Launch;
using Convoy.Training;

namespace Convoy.Cli.Launching;

/// <summary>
/// <c>dotnet run</c> as the program to launch: N of them at once would each build, into the same files. It is built once before,
/// and the processes are started with <c>--no-build</c>.
/// </summary>
internal sealed class DotnetRun
{
    // Options of dotnet run that dotnet build has too, with a value and without.
    private static readonly string[] WithValue = ["-c", "--configuration", "-f", "--framework", "-r", "--runtime", "-a", "--arch", "--os", "-v", "--verbosity", "-p", "--property", "--artifacts-path"];
    private static readonly string[] Flags = ["--no-restore", "--interactive", "--sc", "--self-contained", "--no-self-contained"];

    // Options that name what to build, and those that are for running alone.
    private static readonly string[] Targets = ["--project", "--file"];
    private static readonly string[] OfRunning = ["-lp", "--launch-profile", "-e", "--environment", "--device"];

    // Added to every build; build servers would outlive this program. A user who gives -v wants to see it.
    private static readonly string[] Quietly = ["-v", "quiet"], Always = ["-nologo", "--disable-build-servers"];

    private readonly string _dotnet;
    private readonly string[] _build;

    private DotnetRun(string dotnet, string[] build, LaunchProgram program)
    {
        _dotnet = dotnet;
        _build = build;
        Program = program;
    }

    /// <summary>What the processes are started with.</summary>
    public LaunchProgram Program { get; }

    /// <summary>What is built, as one would write it.</summary>
    public string BuildCommand => string.Join(' ', ["dotnet", .. _build]);

    private bool IsLoud => _build.Any(word => word == "-v" || word.StartsWith("-v:", StringComparison.Ordinal) || word.StartsWith("--verbosity", StringComparison.Ordinal));

    /// <summary>The build that a program needs; null when it is not <c>dotnet run</c>, or does not build.</summary>
    public static DotnetRun? Find(LaunchProgram program)
    {
        IReadOnlyList<string> words = program.Arguments;
        bool builds = Path.GetFileNameWithoutExtension(program.FileName).Equals("dotnet", StringComparison.OrdinalIgnoreCase) && words is ["run", ..]
            && !words.TakeWhile(word => word != "--").Any(word => word is "--no-build" or "--list-devices" or "-h" or "-?" or "--help");
        return builds ? new DotnetRun(program.FileName, BuildArguments(words), program with { Arguments = ["run", "--no-build", .. words.Skip(1)] }) : null;
    }

    /// <summary>Builds.</summary>
    /// <returns>Whether it was not cancelled.</returns>
    /// <exception cref="BadInputException">The build failed; its messages are on standard error.</exception>
    public async Task<bool> BuildAsync(CancellationToken cancelled)
    {
        using Process process = Start();
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(CancellationToken.None), errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(cancelled);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            return false;
        }

        if (process.ExitCode == 0 && !IsLoud)
        {
            return true;
        }

        // Standard output is the program's.
        await Console.Error.WriteAsync(await output + await errors);
        return process.ExitCode == 0 ? true : throw new BadInputException("the program does not build", BuildCommand, "The messages above say why.");
    }

    private Process Start()
    {
        try
        {
            return Process.Start(new ProcessStartInfo(_dotnet, [.. _build, .. IsLoud ? [] : Quietly, .. Always]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        }
        catch (Win32Exception refusal)
        {
            throw new BadInputException("the program cannot be started", $"{_dotnet}: {refusal.Message}", "Install the .NET SDK, or give dotnet's path.", refusal);
        }
    }

    private static string[] BuildArguments(IReadOnlyList<string> words)
    {
        string? target = null;
        var options = new List<string>();
        for (int i = 1; i < words.Count && words[i] != "--"; i++)
        {
            string name = words[i].Split('=', ':')[0];
            bool joined = name.Length < words[i].Length;
            string? next = joined ? words[i][(name.Length + 1)..] : i + 1 < words.Count ? words[i + 1] : null;
            bool taken = WithValue.Contains(name) || Targets.Contains(name) || OfRunning.Contains(name);
            if (name == "-p" && !joined && next?.Contains('=') == false)
            {
                target = next; // -p PROJECT is an old way to say --project
            }
            else if (WithValue.Contains(name) && next is not null)
            {
                options.AddRange(joined ? [words[i]] : [name, next]);
            }
            else if (Targets.Contains(name))
            {
                target = next;
            }
            else if (Flags.Contains(name))
            {
                options.Add(words[i]);
            }
            else if (i == 1 && words[i].EndsWith(".cs", StringComparison.OrdinalIgnoreCase) && File.Exists(words[i]))
            {
                target = words[i];
            }

            i += taken && !joined ? 1 : 0;
        }

        return ["build", .. target is null ? [] : (string[])[target], .. options];
    }
}
