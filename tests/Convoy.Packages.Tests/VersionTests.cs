namespace Convoy.Packages.Tests;

/// <summary>Versions follow from git's tags, and sources without them can be built. A copy of the smallest library is built in repositories of its own.</summary>
[Trait("Repeats", "more")]
public sealed class VersionTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("convoy-version-").FullName;

    private string Tree => Path.Combine(_root, "tree");

    public void Dispose()
    {
        foreach (string file in Directory.EnumerateFiles(_root, "*", SearchOption.AllDirectories))
        {
            File.SetAttributes(file, FileAttributes.Normal); // git writes its objects read-only
        }

        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public void Version_WithoutARepository_IsTheFirstOnesAlpha()
    {
        Assert.SkipUnless(Repetitions.All, PackedFeed.TakesMinutes);
        CopyTree();

        Assert.Equal("0.1.0-alpha.0", VersionOf(Tree));
        Assert.Equal("3.1.4", VersionOf(Tree, "-p:Version=3.1.4"));
    }

    [Fact]
    public void Version_OfACommit_FollowsFromTheNewestTagBehindIt()
    {
        Assert.SkipUnless(Repetitions.All, PackedFeed.TakesMinutes);
        CopyTree();
        Git(Tree, "init", "-q");
        Git(Tree, "add", "-A");
        Commit("first");
        Commit("second");
        Assert.Equal("0.1.0-alpha.0.1", VersionOf(Tree));

        Git(Tree, "tag", "v1.2.3");
        Assert.Equal("1.2.3", VersionOf(Tree));

        Commit("third");
        Assert.Equal("1.2.4-alpha.0.1", VersionOf(Tree));

        string worktree = Path.Combine(_root, "worktree"), shallow = Path.Combine(_root, "shallow");
        Git(Tree, "worktree", "add", "-q", worktree, "HEAD");
        Assert.Equal("1.2.4-alpha.0.1", VersionOf(worktree));

        Git(_root, "clone", "-q", "--depth", "1", new Uri(Tree).AbsoluteUri, shallow);
        Assert.Equal("0.1.0-alpha.0", VersionOf(shallow)); // the tag is out of its sight
    }

    private static string VersionOf(string tree, params string[] more)
    {
        string[] arguments = ["msbuild", "src/Convoy.Metrics", "-restore", "-t:Build", "-nologo", "-p:Configuration=Release", "-getProperty:PackageVersion", .. more];
        return Surroundings.Run(tree, new Dictionary<string, string>(), "dotnet", arguments).Expect(0).Output.Trim();
    }

    private static void Git(string folder, params string[] arguments) =>
        Surroundings.Run(folder, new Dictionary<string, string>(), "git", ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false", .. arguments]).Expect(0);

    private void Commit(string message) => Git(Tree, "commit", "-q", "--allow-empty", "-m", message);

    private void CopyTree()
    {
        string[] files = [.. new[] { "eng", "src/Convoy.Metrics", "src/Convoy.Torch/buildTransitive" }.SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Surroundings.Repository, folder), "*", SearchOption.AllDirectories)),
            .. Directory.EnumerateFiles(Surroundings.Repository, "Directory.*"), Path.Combine(Surroundings.Repository, "global.json"), Path.Combine(Surroundings.Repository, ".gitignore")];
        foreach (string file in files)
        {
            string copy = Path.Combine(Tree, Path.GetRelativePath(Surroundings.Repository, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }
}
