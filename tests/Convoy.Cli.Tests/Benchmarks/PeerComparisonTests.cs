using System.ComponentModel;

namespace Convoy.Cli.Tests.Benchmarks;

/// <summary>The Python of <c>benchmarks/peers/compare</c>: what it plans, refuses and reckons. No torch is needed.</summary>
public sealed class PeerComparisonTests
{
    [Fact]
    public async Task Tests_OfTheComparison_Pass()
    {
        string folder = Path.Combine(RepositoryRoot(), "benchmarks", "peers");
        ProgramRun run;
        try
        {
            run = await ProgramRun.StartAsync(
                "python3", ["-m", "unittest", "discover", "-s", folder + "/tests", "-t", folder], environment: new Dictionary<string, string?> { ["PYTHONDONTWRITEBYTECODE"] = "1" });
        }
        catch (Win32Exception)
        {
            Assert.Skip("python3 is not installed.");
            return;
        }

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Matches(@"Ran [1-9]\d* tests", run.Error);
    }

    private static string RepositoryRoot()
    {
        DirectoryInfo folder = new(AppContext.BaseDirectory);
        while (!Directory.Exists(Path.Combine(folder.FullName, "benchmarks", "peers")))
        {
            folder = folder.Parent!;
        }

        return folder.FullName;
    }
}
