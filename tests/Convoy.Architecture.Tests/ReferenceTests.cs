using System.Xml.Linq;

namespace Convoy.Architecture.Tests;

/// <summary>References between projects go one way.</summary>
public sealed class ReferenceTests
{
    private static readonly Dictionary<string, string[]> AllowedProjects = new()
    {
        ["Convoy.Metrics"] = [],
        ["Convoy.Torch"] = [],
        ["Convoy.Distributed"] = ["Convoy.Torch"],
        ["Convoy.Training"] = ["Convoy.Distributed", "Convoy.Metrics", "Convoy.Torch"],
        ["Convoy.Lanes"] = ["Convoy.Distributed", "Convoy.Metrics", "Convoy.Torch", "Convoy.Training"],
        ["Convoy.Analysis"] = ["Convoy.Metrics"],
        ["Convoy.Cli"] = ["Convoy.Analysis", "Convoy.Distributed", "Convoy.Lanes", "Convoy.Metrics", "Convoy.Torch", "Convoy.Training"],
        ["Convoy.Tool"] = ["Convoy.Analysis", "Convoy.Distributed", "Convoy.Lanes", "Convoy.Metrics", "Convoy.Torch", "Convoy.Training"],
    };

    public static TheoryData<string> Projects() =>
        [.. Repository.Files("src").Where(f => f.EndsWith(".csproj", StringComparison.Ordinal))];

    [Theory]
    [MemberData(nameof(Projects))]
    public void ProjectReferences_OfAProject_AreThoseOfTheDesign(string project)
    {
        string name = Path.GetFileNameWithoutExtension(project);

        Assert.True(AllowedProjects.ContainsKey(name), $"{name} is new: say here what it may refer to.");
        Assert.Empty(References(project, "ProjectReference").Select(Path.GetFileNameWithoutExtension).Except(AllowedProjects[name]));
    }

    [Fact]
    public void PackageReferences_OfMetrics_AreNone() =>
        Assert.Empty(References("src/Convoy.Metrics/Convoy.Metrics.csproj", "PackageReference"));

    [Theory]
    [InlineData("Torch")]
    [InlineData("Distributed")]
    public void PackageReferences_OfTorchAndDistributed_AreTorchSharpOnly(string project) =>
        Assert.Equal(["TorchSharp"], References($"src/Convoy.{project}/Convoy.{project}.csproj", "PackageReference"));

    [Fact]
    public void PackageReferences_OfAnalysis_AreForTablesMathematicsAndPicturesOnly() =>
        Assert.Equal(["CsvHelper", "MathNet.Numerics", "SkiaSharp"], References("src/Convoy.Analysis/Convoy.Analysis.csproj", "PackageReference"));

    [Fact]
    public void Internals_OfProjectsUnderSrc_AreShownToNoneOfThem() => Assert.Empty(
        from project in Repository.Files("src").Where(f => f.EndsWith(".csproj", StringComparison.Ordinal))
        from friend in References(project, "InternalsVisibleTo")
        where AllowedProjects.ContainsKey(friend)
        select $"{project}: {friend}");

    [Fact]
    public void Solution_OfTheRepository_HoldsEveryProjectOfSrcAndTests()
    {
        IEnumerable<string> projects = Repository.Files("src").Concat(Repository.Files("tests")).Where(f => f.EndsWith(".csproj", StringComparison.Ordinal));
        string solution = Repository.Text("Convoy.slnx");

        Assert.All(projects, p => Assert.Contains($"\"{p}\"", solution, StringComparison.Ordinal));
    }

    private static IEnumerable<string> References(string project, string kind) =>
        XDocument.Load(Path.Combine(Repository.Root, project)).Descendants(kind).Select(e => e.Attribute("Include")!.Value.Replace('\\', '/'));
}
