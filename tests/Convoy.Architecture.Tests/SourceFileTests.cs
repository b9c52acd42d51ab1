using System.Text.RegularExpressions;

namespace Convoy.Architecture.Tests;

/// <summary>What every source file under src keeps to.</summary>
public sealed partial class SourceFileTests
{
    private const int MostLines = 400;
    private const int MostFiles = 25;
    private static readonly string[] NamesThatSayNothing = ["Util", "Utils", "Utility", "Utilities", "Helper", "Helpers", "Manager"];

    [Fact]
    public void Namespace_OfAFile_IsItsFolder() => Assert.Empty(
        from file in Repository.SourceFiles
        let declared = Declared(file)
        where declared is not null ? declared != FolderOf(file) : Path.GetFileName(file) is not ("Program.cs" or "GlobalUsings.cs" or "AssemblyInfo.cs")
        select $"{file}: namespace {declared ?? "missing"}, folder {FolderOf(file)}");

    /// <summary>A file is one concept: what a type needs and nothing else does, a small enum, record or delegate, stands in its file.</summary>
    [Fact]
    public void PublicTypes_OfAFile_IncludeTheOneThatItIsNamedAfter() => Assert.Empty(
        from file in Repository.SourceFiles
        let names = PublicType().Matches(Repository.Text(file)).Select(m => m.Groups["name"].Value).Distinct().ToArray()
        where names.Length > 0 && !names.Contains(Path.GetFileName(file).Split('.')[0])
        select $"{file}: {string.Join(", ", names)}");

    [Fact]
    public void Length_OfAFile_IsAtMost400Lines() => Assert.Empty(
        from file in Repository.SourceFiles
        let lines = Repository.Lines(file).Length
        where lines > MostLines
        select $"{file}: {lines} lines");

    [Fact]
    public void Names_OfTypesAndFolders_SayWhatTheyAre() => Assert.Empty(
        from file in Repository.SourceFiles
        from name in AnyType().Matches(Repository.Text(file)).Select(m => m.Groups["name"].Value).Concat(file.Split('/', '.'))
        where NamesThatSayNothing.Any(n => name.EndsWith(n, StringComparison.Ordinal))
        select $"{file}: {name}");

    /// <summary>One idea is one file, and one folder is at most about so many ideas.</summary>
    [Fact]
    public void Files_OfAFolder_AreAtMost25() => Assert.Empty(
        from file in Repository.SourceFiles
        group file by FolderOf(file) into folder
        where folder.Count() > MostFiles
        select $"{folder.Key}: {folder.Count()} files");

    private static string? Declared(string file) =>
        NamespaceLine().Match(Repository.Text(file)) is { Success: true } match ? match.Groups["name"].Value : null;

    // src/Convoy.Lanes/Data/X.cs -> Convoy.Lanes.Data
    private static string FolderOf(string file) => string.Join('.', file.Split('/')[1..^1]);

    [GeneratedRegex(@"^namespace (?<name>[\w.]+)", RegexOptions.Multiline)]
    private static partial Regex NamespaceLine();

    [GeneratedRegex(@"^public [\w ]*?(class|record struct|record|struct|interface|enum|delegate [\w<>?\[\], ]+?) (?<name>\w+)\s*[<({;:\r\n]", RegexOptions.Multiline)]
    private static partial Regex PublicType();

    [GeneratedRegex(@"\b(class|record|struct|interface|enum) (?<name>[A-Z]\w+)")]
    private static partial Regex AnyType();
}
