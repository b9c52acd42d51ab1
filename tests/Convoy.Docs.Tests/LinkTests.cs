using System.Text.RegularExpressions;
using Convoy.Docs.Tests.Pages;

namespace Convoy.Docs.Tests;

/// <summary>Links between the pages lead somewhere, sections included, and so do the pages that programs name in their messages.</summary>
public sealed partial class LinkTests
{
    private const string Index = "docs/README.md";

    [Fact]
    public void Links_OfThePages_LeadToFilesAndSectionsThatExist() => Faults.AssertNone(
        from page in Documentation.Pages
        from link in page.Links
        where !link.Target.Contains("://", StringComparison.Ordinal)
        let fault = Fault(page, link.Target)
        where fault is not null
        select $"{page.Path}:{link.Line}: {link.Target}: {fault}");

    [Fact]
    public void Index_OfTheDocuments_LinksToEveryPage()
    {
        string[] linked = [.. Documentation.Pages.Single(page => page.Path == Index).Links.Select(link => Normalise(Path.Combine("docs", link.Target.Split('#')[0])))];
        string[] pages = [.. Documentation.Pages.Select(page => page.Path).Where(path => path.StartsWith("docs/", StringComparison.Ordinal) && path != Index)];
        Assert.Equal([], pages.Except(linked));
    }

    [Fact]
    public void PagesNamedInSources_Exist() => Faults.AssertNone(
        from file in Directory.EnumerateFiles(Path.Combine(Documentation.Root, "src"), "*.cs", SearchOption.AllDirectories)
        from match in PageName().Matches(File.ReadAllText(file))
        where !File.Exists(Path.Combine(Documentation.Root, match.Value))
        select $"{Path.GetRelativePath(Documentation.Root, file)}: {match.Value}");

    [Fact]
    public void PathsNamedInSentences_Exist() => Faults.AssertNone(
        from page in Documentation.Pages
        from span in page.CodeSpans
        where SourcePath().IsMatch(span.Code) && !Path.Exists(Path.Combine(Documentation.Root, span.Code)) && !File.Exists(Path.Combine(Documentation.Root, $"{span.Code}.cs"))
        select $"{page.Path}:{span.Line}: {span.Code} is not there");

    [Theory]
    [InlineData("docs/README.md", "nowhere.md", "there is no such file")]
    [InlineData("docs/README.md", "glossary.md#no-such-word", "the page has no such section")]
    [InlineData("docs/glossary.md", "#no-such-word", "the page has no such section")]
    [InlineData("docs/glossary.md", "README.md", null)]
    public void Fault_OfALink_IsNamed(string page, string target, string? fault) => Assert.Equal(fault, Fault(Documentation.Pages.Single(one => one.Path == page), target));

    private static string? Fault(MarkdownPage page, string target)
    {
        string[] parts = target.Split('#', 2);
        string path = parts[0].Length == 0 ? page.Path : Normalise(Path.Combine(Path.GetDirectoryName(page.Path)!, parts[0]));
        if (!Path.Exists(Path.Combine(Documentation.Root, path)))
        {
            return "there is no such file";
        }

        MarkdownPage? there = Documentation.Pages.SingleOrDefault(one => one.Path == path);
        return parts.Length == 2 && there is not null && !there.Anchors.Contains(parts[1]) ? "the page has no such section" : null;
    }

    private static string Normalise(string path) => Path.GetRelativePath(Documentation.Root, Path.GetFullPath(path, Documentation.Root)).Replace('\\', '/');

    [GeneratedRegex(@"^(src|tests|samples|benchmarks|recipes|eng|docs)/[\w./-]+$")]
    private static partial Regex SourcePath();

    [GeneratedRegex(@"docs/[a-z/-]+\.md")]
    private static partial Regex PageName();
}
