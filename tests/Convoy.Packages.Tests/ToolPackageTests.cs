using System.Reflection.PortableExecutable;

namespace Convoy.Packages.Tests;

/// <summary>The tool's packages, and the tool as it is installed from them.</summary>
[Collection(nameof(PackedFeed))]
[Trait("Repeats", "more")]
public sealed class ToolPackageTests(PackedFeed feed)
{
    private const long MostBytes = 30_000_000;

    [Theory]
    [InlineData("linux-x64", "libSkiaSharp.so")]
    [InlineData("linux-arm64", "libSkiaSharp.so")]
    [InlineData("osx-arm64", "libSkiaSharp.dylib")]
    [InlineData("win-x64", "libSkiaSharp.dll")]
    public void Package_OfAPlatform_HasOneNativeLibraryAndIsSmall(string platform, string native)
    {
        Assert.SkipUnless(Repetitions.All, PackedFeed.TakesMinutes);
        PackageFile package = feed.Open($"convoy.{platform}");
        string folder = $"tools/net10.0/{platform}/";
        string[] files = [.. package.Files().Where(file => file.StartsWith(folder, StringComparison.Ordinal)).Select(file => file[folder.Length..])];

        Assert.InRange(package.Bytes, 1, MostBytes);
        Assert.InRange(package.UnpackedBytes, 1, MostBytes);
        // Beside managed libraries and their symbols: what starts the tool, and one library, which draws the plots. Nothing of libtorch.
        Assert.Equal(
            new[] { "DotnetToolSettings.xml", "convoy.deps.json", "convoy.runtimeconfig.json", native }.Order(StringComparer.Ordinal),
            files.Where(file => Path.GetExtension(file) is not (".dll" or ".pdb") || file == native));
        Assert.DoesNotContain(files, file => Path.GetExtension(file) == ".dll" && file != native && !IsManaged(package.Content(folder + file)));
        Assert.Contains("TorchSharp.dll", files);
        Assert.NotEmpty(feed.Open($"convoy.{platform}", "snupkg").Files());
    }

    [Fact]
    public void Package_OfTheTool_NamesThoseOfThePlatforms()
    {
        Assert.SkipUnless(Repetitions.All, PackedFeed.TakesMinutes);
        PackageFile package = feed.Open("convoy");

        Assert.Equal(["README.md", "icon.png", "tools/any/any/DotnetToolSettings.xml"], package.Files());
        Assert.Equal(
            ["convoy.linux-x64", "convoy.linux-arm64", "convoy.osx-arm64", "convoy.win-x64"],
            package.Xml("tools/any/any/DotnetToolSettings.xml").Descendants("RuntimeIdentifierPackage").Select(platform => platform.Attribute("Id")!.Value));
        Assert.Empty(package.Metadata()["dependency"]);
    }

    [Fact]
    public void Tool_Installed_DoesWhatNeedsNoLibtorch()
    {
        Assert.SkipUnless(Repetitions.All, PackedFeed.TakesMinutes);
        string tool = feed.Machine.InstallTool(feed.Version), folder = feed.Machine.Folder("tool");
        File.WriteAllText(Path.Combine(folder, "times.csv"), "processes,seconds\n1,10\n2,6\n4,4\n");

        Outcome version = feed.Machine.Run(folder, tool, "--version").Expect(0);
        Outcome doctor = feed.Machine.Run(folder, tool, "doctor").Expect(0);
        feed.Machine.Run(folder, tool, "report", "times.csv", "--out", "report").Expect(0);
        feed.Machine.Run(folder, tool, "data", "synth", "--frames", "2", "--out", "drawn").Expect(0);
        feed.Machine.Run(folder, tool, "data", "check", "drawn").Expect(0);

        Assert.StartsWith(feed.Version, version.Output, StringComparison.Ordinal);
        Assert.Contains("not measured: libtorch is not part of the tool", doctor.Output, StringComparison.Ordinal);
        Assert.Contains("GB/s (triad)", doctor.Output, StringComparison.Ordinal);
        Assert.NotEmpty(Directory.GetFiles(Path.Combine(folder, "report", "plots"), "*.png"));
    }

    [Theory]
    [InlineData("train", "--data", "synthetic")]
    [InlineData("scale")]
    [InlineData("tune")]
    [InlineData("bench", "step")]
    [InlineData("bench", "loader")]
    [InlineData("bench", "allreduce")]
    [InlineData("eval", "--checkpoint", "runs/first")]
    [InlineData("predict", "--checkpoint", "runs/first", "picture.jpg")]
    public void Tool_AskedForWhatNeedsLibtorch_SaysWhereItWorks(params string[] words)
    {
        Assert.SkipUnless(Repetitions.All, PackedFeed.TakesMinutes);
        string tool = feed.Machine.InstallTool(feed.Version), folder = feed.Machine.Folder("refused");

        Outcome refused = feed.Machine.Run(folder, tool, words).Expect(2);

        string line = Assert.Single(refused.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("convoy: error: this needs libtorch, which is not part of the tool (", line, StringComparison.Ordinal);
        Assert.Contains("in a clone of Convoy's repository", line, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder));
    }

    [Fact]
    public void Help_OfTheTool_ShowsNoOptionOfTheLaneDetector()
    {
        Assert.SkipUnless(Repetitions.All, PackedFeed.TakesMinutes);
        string tool = feed.Machine.InstallTool(feed.Version), folder = feed.Machine.Folder("help");

        foreach (string[] verb in (string[][])[["train"], ["scale"], ["tune"], ["bench", "step"]])
        {
            string help = feed.Machine.Run(folder, tool, [.. verb, "--help"]).Expect(0).Output;

            Assert.Contains("your program", help, StringComparison.Ordinal);
            Assert.DoesNotContain("synthetic", help, StringComparison.Ordinal);
            Assert.DoesNotContain("--encoder", help, StringComparison.Ordinal);
        }

        Assert.Contains("Only in a clone", feed.Machine.Run(folder, tool, "eval", "--help").Expect(0).Output, StringComparison.Ordinal);
    }

    private static bool IsManaged(byte[] file)
    {
        using var reader = new PEReader(new MemoryStream(file));
        return reader.HasMetadata;
    }
}
