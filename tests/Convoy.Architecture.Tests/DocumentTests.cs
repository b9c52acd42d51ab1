using System.Text.RegularExpressions;

namespace Convoy.Architecture.Tests;

/// <summary>What the texts of the repository promise.</summary>
public sealed partial class DocumentTests
{
    private const string Section = "Where to start reading";
    private const int MostFiles = 7;
    private static readonly string[] TextFiles = [".cs", ".csproj", ".props", ".targets", ".md", ".json", ".slnx", ".txt", ".yml", ""];

    [Fact]
    public void WhereToStartReading_OfTheReadme_ListsAtMostSevenPathsThatExist()
    {
        Assert.SkipUnless(File.Exists(Path.Combine(Repository.Root, "README.md")), "There is no README.md.");
        string readme = Repository.Text("README.md");
        int start = readme.IndexOf($"# {Section}", StringComparison.Ordinal);
        Assert.SkipUnless(start >= 0, $"README.md has no section '{Section}'.");
        string section = readme[(start + 2)..].Split("\n#", 2)[0];
        string[] paths = [.. MarkedPath().Matches(section).Select(m => m.Groups["path"].Value).Where(p => p.Contains('/')).Distinct()];

        Assert.InRange(paths.Length, 1, MostFiles);
        Assert.All(paths, p => Assert.True(Path.Exists(Path.Combine(Repository.Root, p)), $"{p} does not exist"));
    }

    [Fact]
    public void Links_OfTheDocuments_LeadToFilesThatExist() => Assert.Empty(
        from file in Repository.Files("").Where(f => f.EndsWith(".md", StringComparison.Ordinal))
        from target in Link().Matches(Repository.Text(file)).Select(m => m.Groups["path"].Value)
        where !target.Contains(':') && !Path.Exists(Path.Combine(Repository.Root, Path.GetDirectoryName(file)!, target))
        select $"{file}: {target}");

    [Fact]
    public void Texts_OfTheRepository_NameNoPathOfSomebodysMachine() => Assert.Empty(
        from file in Repository.Files("")
        where TextFiles.Contains(Path.GetExtension(file))
        from match in PrivatePath().Matches(Repository.Text(file))
        select $"{file}: {match.Value}");

    [GeneratedRegex(@"(`|\]\()(?<path>[\w./-]+)[`)]")]
    private static partial Regex MarkedPath();

    [GeneratedRegex(@"\]\((?<path>[^)#\s]+)(#[^)]*)?\)")]
    private static partial Regex Link();

    // Spelled with a class of one letter, so that this file does not match itself.
    [GeneratedRegex(@"(?<![\w.}])/([w]ork/|[t]mp/wt|[r]oot/|[h]ome/\w)")]
    private static partial Regex PrivatePath();
}
