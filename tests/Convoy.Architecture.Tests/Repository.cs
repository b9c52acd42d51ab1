namespace Convoy.Architecture.Tests;

/// <summary>The files of this repository, read as text: these tests need no build of what they check.</summary>
internal static class Repository
{
    private static readonly string[] NotOurs = [".git", "artifacts", "runs", "TestResults", "bin", "obj", ".vs", ".idea"];

    /// <summary>The folder that holds Convoy.slnx.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The source files of the projects under src, without what the build compiles on its own.</summary>
    public static IReadOnlyList<string> SourceFiles { get; } =
        [.. Files("src").Where(f => f.EndsWith(".cs", StringComparison.Ordinal) && !f.Contains("/buildTransitive/", StringComparison.Ordinal))];

    /// <summary>The source files under tests.</summary>
    public static IReadOnlyList<string> TestFiles { get; } = [.. Files("tests").Where(f => f.EndsWith(".cs", StringComparison.Ordinal))];

    /// <summary>All files under a folder, as paths relative to the root with forward slashes, sorted.</summary>
    public static IEnumerable<string> Files(string folder)
    {
        string full = Path.Combine(Root, folder);
        foreach (string file in Directory.EnumerateFiles(full).Order(StringComparer.Ordinal))
        {
            yield return Path.GetRelativePath(Root, file).Replace('\\', '/');
        }

        foreach (string child in Directory.EnumerateDirectories(full).Where(d => !NotOurs.Contains(Path.GetFileName(d))).Order(StringComparer.Ordinal))
        {
            foreach (string file in Files(Path.GetRelativePath(Root, child)))
            {
                yield return file;
            }
        }
    }

    public static string[] Lines(string file) => File.ReadAllLines(Path.Combine(Root, file));

    public static string Text(string file) => File.ReadAllText(Path.Combine(Root, file));

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
