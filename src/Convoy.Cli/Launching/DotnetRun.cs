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

    // What sets the program's environment or arguments otherwise than its command line says: only dotnet run itself does that.
    private static readonly string[] OfItsEnvironment = ["-lp", "--launch-profile", "-e", "--environment"];
    private static readonly string[] NotBuilding = ["--list-devices", "-h", "-?", "--help"];
    private static readonly string[] ProjectEndings = [".csproj", ".fsproj", ".vbproj"], SolutionEndings = [".sln", ".slnx", ".slnf"];

    // Added to every build; build servers would outlive this program. A user who gives -v wants to see it.
    private static readonly string[] Quietly = ["-v", "quiet"], Always = ["-nologo", "--disable-build-servers"];

    private readonly LaunchProgram _program;
    private readonly ParsedWords _parsed;

    private DotnetRun(LaunchProgram program)
    {
        _program = program;
        _parsed = Parse(program.Arguments);
        Builds = !Options(program.Arguments).Contains("--no-build");
    }

    /// <summary>Whether it builds: not with <c>--no-build</c>.</summary>
    public bool Builds { get; }

    /// <summary>What the processes are started with, each by <c>dotnet run</c>.</summary>
    public LaunchProgram Program => Builds ? _program with { Arguments = ["run", "--no-build", .. _program.Arguments.Skip(1)] } : _program;

    /// <summary>What is built, as one would write it.</summary>
    public string BuildCommand => string.Join(' ', Build(_parsed.Target).Prepend("dotnet"));

    private bool IsLoud => _parsed.Options.Any(word => word == "-v" || word.StartsWith("-v:", StringComparison.Ordinal) || word.StartsWith("--verbosity", StringComparison.Ordinal));

    /// <summary>The build that a program needs; null when it is not <c>dotnet run</c>, or only asks that for something.</summary>
    public static DotnetRun? Find(LaunchProgram program) =>
        Path.GetFileNameWithoutExtension(program.FileName).Equals("dotnet", StringComparison.OrdinalIgnoreCase) && program.Arguments is ["run", ..] && !Options(program.Arguments).Any(NotBuilding.Contains)
            ? new DotnetRun(program)
            : null;

    /// <summary>Builds.</summary>
    /// <exception cref="BadInputException">There is not one project to build, or the build failed; its messages are on standard error.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancelled"/> was raised.</exception>
    public async Task BuildAsync(CancellationToken cancelled)
    {
        (int exitCode, string output, string errors) = await RunAsync([.. Build(ProjectFile() ?? _parsed.Target), .. IsLoud ? [] : Quietly, .. Always], cancelled);
        if (exitCode != 0 || IsLoud)
        {
            await Console.Error.WriteAsync(output + errors); // Standard output is the program's.
        }

        if (exitCode != 0)
        {
            throw new BadInputException("the program does not build", BuildCommand, "The messages above say why.");
        }
    }

    /// <summary>
    /// What was built, as a program that is started without <c>dotnet run</c>, which would take a second of each process. Where a launch profile or <c>-e</c> sets the
    /// program's environment, it stays <see cref="Program"/>.
    /// </summary>
    /// <returns>How its processes are started, and the assembly that was built.</returns>
    /// <exception cref="BadInputException">The project does not say where its program is.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancelled"/> was raised.</exception>
    public async Task<(LaunchProgram Program, string Assembly)> BuiltProgramAsync(CancellationToken cancelled)
    {
        const string Property = "-getProperty:TargetPath";
        string? project = ProjectFile() ?? _parsed.Target;
        (int exitCode, string output, string errors) = await RunAsync([.. Build(project), "--no-restore", Property], cancelled);
        string assembly = output.Trim();
        if (exitCode != 0 || !File.Exists(assembly))
        {
            await Console.Error.WriteAsync(errors);
            throw new BadInputException(
                "the project's program is not there", $"{string.Join(' ', Build(project).Prepend("dotnet"))} {Property}: {BadInputException.Excerpt(assembly)}", Builds ? "Start it by its dll instead." : "Leave out --no-build, or build it before.");
        }

        return (HasProfile(project) ? Program : new LaunchProgram(_program.FileName, [assembly, .. _parsed.Arguments]), assembly);
    }

    private bool HasProfile(string? project)
    {
        string[] options = [.. Options(_program.Arguments).Select(word => word.Split('=', ':')[0])];
        string folder = File.Exists(project) ? Path.GetDirectoryName(Path.GetFullPath(project))! : project ?? ".";
        return options.Any(OfItsEnvironment.Contains) || (File.Exists(Path.Combine(folder, "Properties", "launchSettings.json")) && !options.Contains("--no-launch-profile"));
    }

    // dotnet run takes the one project of a folder, dotnet build also a solution in it.
    private string? ProjectFile()
    {
        if (File.Exists(_parsed.Target))
        {
            return null;
        }

        string folder = _parsed.Target ?? ".";
        string[] files = Directory.Exists(folder) ? Directory.GetFiles(folder) : [];
        string[] projects = [.. files.Where(file => Has(file, ProjectEndings)).Order(StringComparer.Ordinal)];
        return projects.Length switch
        {
            1 => Array.Exists(files, file => Has(file, SolutionEndings)) ? Path.GetRelativePath(".", projects[0]) : null,
            0 => throw new BadInputException("there is no project to run", Path.GetFullPath(folder), "Give --project FILE, or change to the project's folder."),
            _ => throw new BadInputException("there are several projects to run", string.Join(", ", projects.Select(Path.GetFileName)) + " in " + Path.GetFullPath(folder), "Give --project FILE."),
        };
    }

    private async Task<(int ExitCode, string Output, string Errors)> RunAsync(string[] arguments, CancellationToken cancelled)
    {
        using Process process = Start(arguments);
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(CancellationToken.None), errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(cancelled);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return (process.ExitCode, await output, await errors);
    }

    private Process Start(string[] arguments)
    {
        try
        {
            return Process.Start(new ProcessStartInfo(_program.FileName, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        }
        catch (Win32Exception refusal)
        {
            throw new BadInputException("the program cannot be started", $"{_program.FileName}: {refusal.Message}", "Install the .NET SDK, or give dotnet's path.", refusal);
        }
    }

    private string[] Build(string? target) => ["build", .. target is null ? [] : (string[])[target], .. _parsed.Options];

    private static bool Has(string file, string[] endings) => endings.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase);

    private static IEnumerable<string> Options(IReadOnlyList<string> words) => words.TakeWhile(word => word != "--");

    private static ParsedWords Parse(IReadOnlyList<string> words)
    {
        string? target = null;
        List<string> options = [], arguments = [];
        int i = 1;
        for (; i < words.Count && words[i] != "--"; i++)
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
            else if (!taken && name is not ("--no-build" or "--no-launch-profile"))
            {
                arguments.Add(words[i]); // dotnet run hands on what it does not know
            }

            i += taken && !joined ? 1 : 0;
        }

        return new ParsedWords(target, options, [.. arguments, .. words.Skip(i + 1)]);
    }

    /// <summary>The words of <c>dotnet run</c>.</summary>
    /// <param name="Target">The project, folder or source file; null for the present folder's project.</param>
    /// <param name="Options">Those that a build needs, too.</param>
    /// <param name="Arguments">The program's.</param>
    private sealed record ParsedWords(string? Target, IReadOnlyList<string> Options, IReadOnlyList<string> Arguments);
}
