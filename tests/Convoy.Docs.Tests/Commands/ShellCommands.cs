using System.Text.RegularExpressions;

namespace Convoy.Docs.Tests.Commands;

/// <summary>Commands of a block of shell: what is wrong with those that start Convoy, and which files of the repository they name.</summary>
internal static partial class ShellCommands
{
    private static readonly string[] Folders = ["src", "samples", "tests", "benchmarks", "recipes", "eng", "docs"];

    /// <summary>One command for each line, without comments; lines that end in a backslash go on.</summary>
    public static IEnumerable<string> Of(string block) =>
        from line in Continued().Replace(block, " ").Split('\n')
        let command = Comment().Replace(line, "").Trim()
        where command.Length > 0
        select command;

    /// <returns>What is wrong with a command that starts Convoy; null when nothing is, or when it starts another program.</returns>
    public static string? Fault(string command)
    {
        Match convoy = Convoy().Match(command);
        if (!convoy.Success)
        {
            return null;
        }

        string[] words = [.. command[(convoy.Index + convoy.Length)..].Split(' ', StringSplitOptions.RemoveEmptyEntries).TakeWhile(word => word is not ("--" or "|" or "&&" or ">" or "2>"))];
        string verb = "";
        int at = 0;
        for (; at < words.Length && ConvoyHelp.Verbs(verb).Contains(words[at]); at++)
        {
            verb = $"{verb} {words[at]}".Trim();
        }

        if (at < words.Length && ConvoyHelp.Verbs(verb).Count > 0 && VerbLike().IsMatch(words[at]))
        {
            return $"there is no verb '{words[at]}'";
        }

        string? unknown = words[at..].FirstOrDefault(word => OptionLike().IsMatch(word) && !ConvoyHelp.Options(verb).Contains(word.Split('=')[0].Replace('_', '-')));
        return unknown is null ? null : $"convoy {verb} has no option {unknown}";
    }

    /// <summary>The files and folders of the repository that a command names. What the build makes is not among them.</summary>
    public static IEnumerable<string> Paths(string command) =>
        command.Split(' ').Select(word => word.StartsWith("./", StringComparison.Ordinal) ? word[2..] : word).Where(word => Folders.Contains(word.Split('/')[0]) && word.Contains('/') && RepositoryPath().IsMatch(word));

    [GeneratedRegex(@"\s*\\\n\s*")]
    private static partial Regex Continued();

    [GeneratedRegex(@"(^|\s)#.*$")]
    private static partial Regex Comment();

    [GeneratedRegex(@"(^|[;&(] *|\btime |=\S* )(\./convoy|dotnet convoy|dotnet tool run convoy|convoy)(?= |$)")]
    private static partial Regex Convoy();

    [GeneratedRegex("^[a-z]+$")]
    private static partial Regex VerbLike();

    [GeneratedRegex("^--?[a-zA-Z]")]
    private static partial Regex OptionLike();

    [GeneratedRegex(@"^[\w./-]+$")]
    private static partial Regex RepositoryPath();
}
