using System.Buffers.Binary;

namespace Convoy.Packages.Tests;

/// <summary>What packages are made from.</summary>
public sealed class PackageSourceTests
{
    public static TheoryData<string> Packages() => ["Convoy.Metrics", "Convoy.Torch", "Convoy.Distributed", "Convoy.Training", "Convoy.Analysis", "Convoy.Tool"];

    [Fact]
    public void Icon_OfThePackages_IsAPictureOf128By128()
    {
        byte[] icon = File.ReadAllBytes(Path.Combine(Surroundings.Repository, "eng", "icon.png"));

        Assert.Equal("PNG\r\n\u001a\n"u8.ToArray(), icon[1..8]);
        Assert.Equal(128, BinaryPrimitives.ReadInt32BigEndian(icon.AsSpan(16)));
        Assert.Equal(128, BinaryPrimitives.ReadInt32BigEndian(icon.AsSpan(20)));
    }

    [Theory]
    [MemberData(nameof(Packages))]
    public void Readme_OfAPackage_HasItsNameAndNoLinkIntoTheRepository(string package)
    {
        string readme = File.ReadAllText(Path.Combine(Surroundings.Repository, "src", package, "README.md"));

        Assert.StartsWith($"# {(package == "Convoy.Tool" ? "convoy" : package)}\n", readme.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        Assert.DoesNotContain("](", readme.Replace("](https://", "", StringComparison.Ordinal), StringComparison.Ordinal); // a registry shows it without the repository
    }

    // Until a version is tagged, all there are are alphas of the first, which a plain 0.1.0 does not take.
    [Fact]
    public void Samples_CopiedElsewhere_TakeThePackagesOfAnyFirstVersion()
    {
        string[] references =
        [
            .. Directory.EnumerateFiles(Path.Combine(Surroundings.Repository, "samples"), "*.csproj", SearchOption.AllDirectories)
                .SelectMany(File.ReadLines).Select(line => line.Trim()).Where(line => line.StartsWith("<PackageReference Include=\"Convoy.", StringComparison.Ordinal)),
        ];

        Assert.NotEmpty(references);
        Assert.All(references, reference => Assert.Contains("Version=\"0.1.0-*\"", reference, StringComparison.Ordinal));
    }
}
