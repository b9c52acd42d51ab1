using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using Convoy.NativeCompatibility;

namespace Convoy.Torch.Tests.NativeCompatibility;

/// <summary>
/// Packs the library and uses the package from a program outside the repository, as a stranger would: built, published
/// and published for one system. Takes about half a minute, most of it for the SDK.
/// </summary>
[Trait("Speed", "Slow")]
public sealed class PackageTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private readonly string _directory = Directory.CreateTempSubdirectory("convoy-package-").FullName;

    // A version of its own, so that no other build can take this package for its own one.
    private readonly string _version = string.Create(CultureInfo.InvariantCulture, $"0.1.0-test.{Environment.ProcessId}.{Stopwatch.GetTimestamp()}");

    private string PackageInCache => Path.Combine(NativeLibraries.Noted("PackageFolder"), "convoy.torch", _version);

    public void Dispose()
    {
        Directory.Delete(_directory, recursive: true);
        if (Directory.Exists(PackageInCache))
        {
            Directory.Delete(PackageInCache, recursive: true);
        }

        string parent = Path.GetDirectoryName(PackageInCache)!;
        if (Directory.Exists(parent) && !Directory.EnumerateFileSystemEntries(parent).Any())
        {
            Directory.Delete(parent);
        }
    }

    [Fact]
    public void Package_ReferencedByAProgramElsewhere_LoadsTorchSharp()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64, "The change concerns x86-64 Linux.");
        byte[] restored = File.ReadAllBytes(NativeLibraries.Restored());
        string repository = NativeLibraries.Noted("RepositoryRoot"), program = Path.Combine(_directory, "program");
        // What these tests were built with is packed as it is.
        string configuration = typeof(PackageTests).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;
        Dotnet(_directory, "pack", Path.Combine(repository, "src", "Convoy.Torch"), "-c", configuration, "--no-build", "-o", Path.Combine(_directory, "feed"), $"-p:Version={_version}", $"-p:NuspecOutputPath={_directory}");
        WriteProgram(program);

        Dotnet(program, "build", "-c", "Release");
        AssertRuns(Path.Combine(program, "bin", "Release", "net10.0"), NativeLibraries.LibTorchSharp);

        Dotnet(program, "publish", "-c", "Release", "--no-build", "-o", "published");
        AssertRuns(Path.Combine(program, "published"), NativeLibraries.LibTorchSharp);

        Dotnet(program, "publish", "-c", "Release", "-r", "linux-x64", "--self-contained", "false", "-o", "published-for-linux");
        AssertRuns(Path.Combine(program, "published-for-linux"), "libLibTorchSharp.so");

        Assert.True(restored.AsSpan().SequenceEqual(File.ReadAllBytes(NativeLibraries.Restored())), "the package cache was changed");
    }

    private void WriteProgram(string program)
    {
        Directory.CreateDirectory(program);
        File.WriteAllText(Path.Combine(program, "Stranger.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <InvariantGlobalization>true</InvariantGlobalization>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <RestoreAdditionalProjectSources>{Path.Combine(_directory, "feed")}</RestoreAdditionalProjectSources>
                <CreateHardLinksForCopyLocalIfPossible>true</CreateHardLinksForCopyLocalIfPossible>
                <CreateHardLinksForCopyFilesToOutputDirectoryIfPossible>true</CreateHardLinksForCopyFilesToOutputDirectoryIfPossible>
                <CreateHardLinksForPublishFilesIfPossible>true</CreateHardLinksForPublishFilesIfPossible>
                <DefaultItemExcludes>$(DefaultItemExcludes);published*/**</DefaultItemExcludes>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Convoy.Torch" Version="{_version}" />
                <PackageReference Include="libtorch-cpu-linux-x64" Version="2.10.0" />
              </ItemGroup>
            </Project>
            """);
        File.WriteAllText(Path.Combine(program, "Program.cs"), """
            using TorchSharp;

            using var ones = torch.ones(2, 3);
            using var sum = ones.sum();
            System.Console.WriteLine(sum.item<float>());
            """);
    }

    private static void AssertRuns(string output, string library)
    {
        byte[] copy = File.ReadAllBytes(Path.Combine(output, library));
        Assert.Equal(ElfVersionOutcome.AlreadyWeak, ElfVersionRequirement.MakeWeak(copy, "GLIBCXX_3.4.32", "_ZSt21ios_base_library_initv"));
        Assert.Single(Directory.GetFiles(output, "libLibTorchSharp.so", SearchOption.AllDirectories));

        string printed = Dotnet(output, "exec", "Stranger.dll");

        Assert.Equal("6", printed.Trim());

        // When the first load fails TorchSharp copies its natives beside the program; nothing like that was needed.
        Assert.Single(Directory.GetFiles(output, "libLibTorchSharp.so", SearchOption.AllDirectories));
    }

    private static string Dotnet(string directory, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments) { WorkingDirectory = directory, RedirectStandardOutput = true, RedirectStandardError = true };

        // A test run by the SDK carries that run's own settings, which are none of these builds'.
        foreach (string name in start.Environment.Keys.Where(n => n.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase) || n.StartsWith("TESTINGPLATFORM", StringComparison.Ordinal)).ToArray())
        {
            start.Environment.Remove(name);
        }

        // Leave no build process behind.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["UseSharedCompilation"] = "false";
        start.Environment["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0";
        start.Environment["OMP_NUM_THREADS"] = "1";

        // The audit asks the network about packages that the repository's own restore has asked about already.
        start.Environment["NuGetAudit"] = "false";
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        bool ended = process.WaitForExit(Limit);
        if (!ended)
        {
            process.Kill(entireProcessTree: true);
        }

        Assert.True(ended && process.ExitCode == 0, $"dotnet {string.Join(' ', arguments)}:\n{output.Result}\n{error.Result}");
        return output.Result;
    }
}
