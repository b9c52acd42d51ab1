using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Convoy.Docs.Tests.Commands;

/// <summary>What the built program's <c>--help</c> says: its verbs, and the options of each.</summary>
internal static partial class ConvoyHelp
{
    private static readonly ConcurrentDictionary<string, (HashSet<string> Verbs, HashSet<string> Options)> Read = new();

    /// <summary>The verbs below one (or "" for the program's own), without arguments.</summary>
    public static IReadOnlySet<string> Verbs(string verb) => Of(verb).Verbs;

    /// <summary>Every spelling of the options of a verb, with hyphens for underscores.</summary>
    public static IReadOnlySet<string> Options(string verb) => Of(verb).Options;

    private static (HashSet<string> Verbs, HashSet<string> Options) Of(string verb) => Read.GetOrAdd(verb, Ask);

    private static (HashSet<string> Verbs, HashSet<string> Options) Ask(string verb)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])["exec", Path.Combine(AppContext.BaseDirectory, "convoy.dll"), .. verb.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"])
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string help = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"convoy {verb} --help ended with exit code {process.ExitCode}: {errors.Result}");
        }

        string[] parts = help.Split("\nCommands:", 2);
        return ([.. parts.Length == 2 ? VerbLine().Matches(parts[1]).Select(match => match.Groups["verb"].Value) : []],
            [.. OptionLine().Matches(help).SelectMany(line => Spelling().Matches(line.Groups["names"].Value)).Select(match => match.Value.Replace('_', '-'))]);
    }

    [GeneratedRegex(@"^  (?<verb>[a-z]+)\b", RegexOptions.Multiline)]
    private static partial Regex VerbLine();

    // "  -t, --tee <tee>   What ...": names stand before two spaces.
    [GeneratedRegex(@"^  (?<names>-.*?)(  |$)", RegexOptions.Multiline)]
    private static partial Regex OptionLine();

    [GeneratedRegex(@"(?<![\w-])--?[a-zA-Z?][\w-]*")]
    private static partial Regex Spelling();
}
