using System.Globalization;

namespace Convoy.Packages.Tests;

/// <summary>Programs that use the packages on a machine where nothing has been installed before.</summary>
[Collection(nameof(PackedFeed))]
[Trait("Repeats", "more")]
public sealed class ProgramTests(PackedFeed feed)
{
    private const string Libtorch = """<PackageReference Include="libtorch-cpu-linux-x64" Version="2.10.0" />""";

    // Each rank minimises (w x)^2 / 2 with x = rank + 1. The mean gradient of two ranks is 5/2 w, and three steps of 0.1 leave 3/4 of w each.
    private const string TwoRanks = """
        using System.Globalization;
        using Convoy.Distributed;
        using Convoy.Distributed.Nn;
        using TorchSharp;
        using static TorchSharp.torch;

        using ProcessGroup group = ProcessGroups.FromEnvironment();
        var linear = nn.Linear(1, 1, hasBias: false);
        nn.init.constant_(linear.weight!, group.Rank == 0 ? 1 : 7);
        using var model = new DistributedDataParallel<Tensor, Tensor>(linear, group);
        using var optimizer = optim.SGD(model.parameters(), 0.1);
        for (int step = 0; step < 3; step++)
        {
            using Tensor input = full(1, 1, group.Rank + 1f);
            using Tensor loss = model.call(input).square().sum() * 0.5;
            model.Backward(loss);
            optimizer.step();
            model.ZeroGrad();
        }

        File.WriteAllText(Path.Combine(args[0], $"rank-{group.Rank}-of-{group.Size}"), linear.weight!.item<float>().ToString("R", CultureInfo.InvariantCulture));
        """;

    [Fact]
    public void Program_FromThePackages_TrainsOnTwoProcesses()
    {
        Assert.SkipUnless(Repetitions.All, PackedFeed.TakesMinutes);
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The program references libtorch for Linux.");
        string folder = Write("first", "net10.0", Reference("Convoy.Distributed") + Libtorch, TwoRanks);
        string tool = feed.Machine.InstallTool(feed.Version);

        // The build step makes libtorch load: what the launcher builds and runs, and what is published.
        feed.Machine.Run(folder, tool, "launch", "--nproc", "2", "--", "dotnet", "run", "-c", "Release", "--", folder).Expect(0);
        AssertRanksAgree(folder);

        Outcome published = feed.Machine.Dotnet(folder, "publish", "-c", "Release", "-o", "published").Expect(0);
        Assert.DoesNotContain("CONVOY0001", published.Output, StringComparison.Ordinal);
        feed.Machine.Run(folder, tool, "launch", "--nproc", "2", "--", "dotnet", "published/first.dll", folder).Expect(0);
        AssertRanksAgree(folder);
    }

    [Fact]
    public void Program_WithoutLibtorch_IsToldWhatToAdd()
    {
        Assert.SkipUnless(Repetitions.All, PackedFeed.TakesMinutes);
        string folder = Write("no-libtorch", "net10.0", Reference("Convoy.Torch"), "System.Console.WriteLine(TorchSharp.torch.ones(1).numel());");

        Outcome built = feed.Machine.Dotnet(folder, "build", "-c", "Release").Expect(0);

        Assert.Contains("warning CONVOY0001: the program has no libtorch (no-libtorch). Add it: dotnet add package TorchSharp-cpu --version 0.107.0", built.Output, StringComparison.Ordinal);
        Assert.Contains("libtorch-cpu-", feed.Machine.Dotnet(folder, "run", "-c", "Release", "--no-build").Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Convoy.Metrics")]
    [InlineData("Convoy.Torch")]
    [InlineData("Convoy.Distributed")]
    [InlineData("Convoy.Training")]
    [InlineData("Convoy.Analysis")]
    public void Program_OfAnEarlierFramework_IsRefused(string package)
    {
        Assert.SkipUnless(Repetitions.All, PackedFeed.TakesMinutes);
        string folder = Write($"net8-{package}", "net8.0", Reference(package), "");

        Outcome restored = feed.Machine.Dotnet(folder, "restore");

        Assert.NotEqual(0, restored.ExitCode);
        Assert.Contains($"error NU1202: Package {package} {feed.Version} is not compatible with net8.0", restored.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Sample_CopiedElsewhere_IsStudiedAndTunedByTheTool()
    {
        Assert.SkipUnless(Repetitions.All, PackedFeed.TakesMinutes);
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The tool's study is tried on Linux.");
        string folder = feed.Machine.Folder("own-model"), tool = feed.Machine.InstallTool(feed.Version);
        foreach (string file in Directory.EnumerateFiles(Path.Combine(Surroundings.Repository, "samples", "OwnModel")))
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }

        feed.Machine.Dotnet(folder, "build", "-c", "Release", "-o", "built").Expect(0);
        string[] program = ["--", "dotnet", "built/OwnModel.dll", "--pictures", "256"];
        feed.Machine.Run(folder, tool, ["train", "--nproc", "2", "--threads", "1", "--steps", "2", "--out", "run", .. program]).Expect(0);
        feed.Machine.Run(folder, tool, ["scale", "--processes", "1,2", "--precision", "fp32", "--steps", "2", "--warmup", "1", "--repeats", "1", "--out", "study", .. program]).Expect(0);
        feed.Machine.Run(folder, tool, ["tune", "--budget-seconds", "10", "--precision", "fp32", .. program]).Expect(0);

        Assert.True(File.Exists(Path.Combine(folder, "run", "metrics.json")));
        Assert.Contains("OwnModel.dll --pictures 256", File.ReadAllText(Path.Combine(folder, "study", "report.md")), StringComparison.Ordinal);
        Assert.NotEmpty(Directory.GetFiles(Path.Combine(folder, "study", "plots"), "*.png"));
        Assert.True(File.Exists(Path.Combine(folder, "tuned.json")));
    }

    private static void AssertRanksAgree(string folder)
    {
        const float Expected = 0.421875f; // (3/4)^3, from rank 0's 1
        string[] results = [.. Directory.GetFiles(folder, "rank-*-of-2").Order(StringComparer.Ordinal)];
        string[] weights = [.. results.Select(File.ReadAllText)];
        Assert.Equal(["rank-0-of-2", "rank-1-of-2"], results.Select(Path.GetFileName));
        Assert.Equal(weights[0], weights[1]);
        Assert.Equal(Expected, float.Parse(weights[0], CultureInfo.InvariantCulture), 1e-6f);
        Array.ForEach(results, File.Delete);
    }

    private string Reference(string package) => $"""<PackageReference Include="{package}" Version="{feed.Version}" />""";

    private string Write(string name, string framework, string references, string source)
    {
        string folder = feed.Machine.Folder(name);
        File.WriteAllText(Path.Combine(folder, $"{name}.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>{framework}</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
              </PropertyGroup>
              <ItemGroup>{references}</ItemGroup>
            </Project>
            """);
        File.WriteAllText(Path.Combine(folder, "Program.cs"), source);
        return folder;
    }
}
