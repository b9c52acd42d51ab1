namespace Convoy.Docs.Tests.Pages;

/// <summary>The pages that this repository has for its users: README.md, docs/, and the README of each package and sample.</summary>
internal static class Documentation
{
    /// <summary>The folder that holds Convoy.slnx.</summary>
    public static string Root { get; } = FindRoot();

    public static IReadOnlyList<MarkdownPage> Pages { get; } = [.. FindFiles().Select(file => MarkdownPage.Parse(file, File.ReadAllText(Path.Combine(Root, file))))];

    public static IEnumerable<CodeBlock> Blocks(params string[] languages) => Pages.SelectMany(page => page.Blocks).Where(block => languages.Contains(block.Language));

    /// <summary>The block that a test's name stands for: page and line.</summary>
    public static CodeBlock BlockAt(string place) => Pages.SelectMany(page => page.Blocks).Single(block => block.Place == place);

    private static IEnumerable<string> FindFiles() =>
        from folder in new[] { "docs", "src", "samples", "recipes" }
        from file in Directory.EnumerateFiles(Path.Combine(Root, folder), "*.md", SearchOption.AllDirectories).Append(Path.Combine(Root, "README.md")).Append(Path.Combine(Root, "CONTRIBUTING.md"))
        let path = Path.GetRelativePath(Root, file).Replace('\\', '/')
        where !path.Split('/').Any(part => part is "bin" or "obj")
        group path by path into same
        orderby same.Key
        select same.Key;

    private static string FindRoot()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Convoy.slnx")))
            {
                return at.FullName;
            }
        }

        throw new InvalidOperationException($"No folder above {AppContext.BaseDirectory} holds Convoy.slnx.");
    }
}
