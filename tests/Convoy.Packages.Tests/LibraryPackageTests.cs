using System.Xml.Linq;

namespace Convoy.Packages.Tests;

/// <summary>What is inside the libraries' packages.</summary>
[Collection(nameof(PackedFeed))]
[Trait("Repeats", "more")]
public sealed class LibraryPackageTests(PackedFeed feed)
{
    private const string Own = "VERSION";

    private static readonly string[] BuildStep = ["buildTransitive/net10.0/Convoy.Torch.targets", "buildTransitive/net10.0/LoadOnOlderSystems.cs"];

    // A package, a type whose documentation it must have, its dependencies, and the files that it has beyond the library.
    private static readonly (string Id, string Type, string[] Dependencies, string[] MoreFiles)[] Expected =
    [
        ("Convoy.Metrics", "Convoy.Metrics.MetricsFile", [], []),
        ("Convoy.Torch", "Convoy.Torch.Optim.FusedAdamW", ["TorchSharp 0.107.0"], BuildStep),
        ("Convoy.Distributed", "Convoy.Distributed.ProcessGroup", [$"Convoy.Torch {Own}", "TorchSharp 0.107.0"], []),
        ("Convoy.Training", "Convoy.Training.Programs.TrainingProgram", [$"Convoy.Distributed {Own}", $"Convoy.Metrics {Own}", $"Convoy.Torch {Own}"], []),
        ("Convoy.Analysis", "Convoy.Analysis.Reading.RunReader", [$"Convoy.Metrics {Own}", "CsvHelper 34.0.0", "MathNet.Numerics 5.0.0", "SkiaSharp 3.119.4"], []),
    ];

    public static TheoryData<string> Libraries() => [.. Expected.Select(library => library.Id)];

    [Theory]
    [MemberData(nameof(Libraries))]
    public void Files_OfALibrary_AreTheLibraryAndItsDocumentation(string id)
    {
        Assert.SkipUnless(Repetitions.All, PackedFeed.TakesMinutes);
        string[] files = ["README.md", "icon.png", $"lib/net10.0/{id}.dll", $"lib/net10.0/{id}.xml", .. Find(id).MoreFiles];

        Assert.Equal(files.Order(StringComparer.Ordinal), feed.Open(id).Files());
        Assert.Equal([$"lib/net10.0/{id}.pdb"], feed.Open(id, "snupkg").Files());
    }

    [Theory]
    [MemberData(nameof(Libraries))]
    public void Dependencies_OfALibrary_AreItsOwn(string id)
    {
        Assert.SkipUnless(Repetitions.All, PackedFeed.TakesMinutes);
        ILookup<string, XElement> metadata = feed.Open(id).Metadata();

        Assert.Equal(["net10.0"], metadata["group"].Select(group => group.Attribute("targetFramework")!.Value));
        Assert.Equal(
            Find(id).Dependencies.Select(dependency => dependency.Replace(Own, feed.Version, StringComparison.Ordinal)),
            metadata["dependency"].Select(dependency => $"{dependency.Attribute("id")!.Value} {dependency.Attribute("version")!.Value}"));
    }

    [Theory]
    [MemberData(nameof(Libraries))]
    public void Documentation_OfALibrary_HasItsPublicTypes(string id)
    {
        Assert.SkipUnless(Repetitions.All, PackedFeed.TakesMinutes);
        XDocument documentation = feed.Open(id).Xml($"lib/net10.0/{id}.xml");

        XElement type = Assert.Single(documentation.Descendants("member"), member => member.Attribute("name")!.Value == $"T:{Find(id).Type}");
        Assert.True(type.Element("summary")!.Value.Trim().Length > 10, $"the summary of {Find(id).Type} is empty");
        Assert.DoesNotContain(documentation.Descendants(), element => element.Attribute("cref")?.Value.StartsWith("!:", StringComparison.Ordinal) == true);
    }

    [Theory]
    [MemberData(nameof(Libraries))]
    public void Metadata_OfALibrary_SaysWhatItIs(string id)
    {
        Assert.SkipUnless(Repetitions.All, PackedFeed.TakesMinutes);
        ILookup<string, XElement> metadata = feed.Open(id).Metadata();

        Assert.Equal("MIT", metadata["license"].Single().Value);
        Assert.Equal("icon.png", metadata["icon"].Single().Value);
        Assert.Equal("README.md", metadata["readme"].Single().Value);
        Assert.Contains("torchsharp", metadata["tags"].Single().Value.Split(' '));
        Assert.True(metadata["description"].Single().Value.Length > 30);
        // The project's page is its repository's: a clone without a remote has neither.
        Assert.Equal(metadata["repository"].SingleOrDefault()?.Attribute("url")?.Value, metadata["projectUrl"].SingleOrDefault()?.Value);
    }

    private static (string Id, string Type, string[] Dependencies, string[] MoreFiles) Find(string id) => Expected.Single(library => library.Id == id);
}
