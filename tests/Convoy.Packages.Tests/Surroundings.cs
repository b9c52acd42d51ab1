using System.Diagnostics;
using System.Globalization;
using System.Reflection;

namespace Convoy.Packages.Tests;

/// <summary>The repository that these tests were built in, and programs that are started in folders.</summary>
internal static class Surroundings
{
    /// <summary>The repository's root.</summary>
    public static string Repository { get; } = Noted("RepositoryRoot");

    /// <summary>The folder of packages that the repository was restored to: a feed, too, in which most of what a program needs lies already.</summary>
    public static string PackageFolder { get; } = Noted("PackageFolder");

    /// <summary>The folder of the .NET that runs these tests, where a tool's launcher looks for it.</summary>
    public static string DotnetRoot { get; } = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "..", "..", ".."));

    /// <summary>Runs a program to its end.</summary>
    /// <param name="folder">Where it starts.</param>
    /// <param name="environment">Variables to set.</param>
    /// <param name="program">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    public static Outcome Run(string folder, IReadOnlyDictionary<string, string> environment, string program, params IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };

        // A test run by the SDK carries that run's own settings, which are none of these programs'.
        foreach (string name in start.Environment.Keys.Where(n => n.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase) || n.StartsWith("TESTINGPLATFORM", StringComparison.Ordinal)).ToArray())
        {
            start.Environment.Remove(name);
        }

        // Builds leave no process behind, and ask the network for no list of weaknesses.
        var always = new Dictionary<string, string>
        {
            ["MSBUILDDISABLENODEREUSE"] = "1",
            ["UseSharedCompilation"] = "false",
            ["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0",
            ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1",
            ["DOTNET_GENERATE_ASPNET_CERTIFICATE"] = "false",
            ["DOTNET_NOLOGO"] = "1",
            ["DOTNET_ROOT"] = DotnetRoot,
            ["NuGetAudit"] = "false",
            ["OMP_NUM_THREADS"] = "1",
        };
        foreach ((string name, string value) in always.Concat(environment))
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        if (!process.WaitForExit(TimeSpan.FromMinutes(20)))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} did not end within 20 minutes:\n{output.Result}\n{error.Result}");
        }

        return new Outcome(string.Join(' ', [Path.GetFileName(program), .. arguments]), process.ExitCode, output.Result, error.Result);
    }

    private static string Noted(string key) =>
        typeof(Surroundings).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(noted => noted.Key == key).Value!;
}

/// <summary>How a program ended.</summary>
/// <param name="Command">What was run.</param>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">What it wrote on standard output.</param>
/// <param name="Error">And on standard error.</param>
internal sealed record Outcome(string Command, int ExitCode, string Output, string Error)
{
    /// <summary>The same, when the exit code is the one that is expected.</summary>
    public Outcome Expect(int exitCode)
    {
        Assert.True(ExitCode == exitCode, string.Create(CultureInfo.InvariantCulture, $"{Command} ended with {ExitCode}, not {exitCode}:\n{Output}\n{Error}"));
        return this;
    }
}
