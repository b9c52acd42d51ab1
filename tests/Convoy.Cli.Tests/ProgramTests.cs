using System.Text.Json;

namespace Convoy.Cli.Tests;

public sealed class ProgramTests
{
    [Fact]
    public async Task Run_WithoutArguments_PrintsHelp()
    {
        ProgramRun run = await ProgramRun.ConvoyAsync();

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("doctor", run.Output, StringComparison.Ordinal);
        Assert.Empty(run.Error);
    }

    [Fact]
    public async Task Run_Version_PrintsOneLine()
    {
        ProgramRun run = await ProgramRun.ConvoyAsync("--version");

        Assert.Equal(0, run.ExitCode);
        Assert.Matches(@"^\d+\.\d+\.\d+\S*\n$", run.Output);
    }

    [Theory]
    [InlineData("unknown verb (doctr). Did you mean doctor? 'convoy --help' lists them all.", "doctr")]
    [InlineData("unknown verb (zzz). 'convoy --help' lists them all.", "zzz")]
    [InlineData("unknown option (--jsn). Did you mean --json? 'convoy doctor --help' lists them all.", "doctor", "--jsn")]
    [InlineData("one argument too many (extra). Put quotes around a value that holds spaces; 'convoy doctor --help' shows what is taken.", "doctor", "extra")]
    public async Task Run_BadCommandLine_EndsWithOneLineAndCode2(string line, params string[] arguments)
    {
        ProgramRun run = await ProgramRun.ConvoyAsync(arguments);

        Assert.Equal(2, run.ExitCode);
        Assert.Equal($"convoy: error: {line}\n", run.Error);
        Assert.Empty(run.Output);
    }

    [Fact]
    public async Task Run_DoctorJson_PrintsOneDocumentOnStandardOutput()
    {
        ProgramRun run = await ProgramRun.ConvoyAsync("doctor", "--json");

        Assert.Equal(0, run.ExitCode);
        Assert.Empty(run.Error);
        using JsonDocument report = JsonDocument.Parse(run.Output);
        JsonElement root = report.RootElement;
        Assert.True(root.GetProperty("host").GetProperty("usable_cores").GetInt32() >= 1);
        Assert.Equal(["single", "shm", "mpi", "nccl"], root.GetProperty("backends").EnumerateArray().Select(b => b.GetProperty("name").GetString()));
        Assert.All(root.GetProperty("matrix_multiply").EnumerateArray(), p => Assert.True(p.GetProperty("gigaflops_per_second").GetDouble() > 0));
        Assert.Contains("fp32", root.GetProperty("matrix_multiply").EnumerateArray().Select(p => p.GetProperty("precision").GetString()));
        Assert.True(root.GetProperty("memory_bandwidth").GetProperty("gigabytes_per_second").GetDouble() > 0);
        JsonElement vectors = root.GetProperty("vectors");
        int usable = vectors.GetProperty("usable_bits").GetInt32();
        Assert.InRange(usable, 128, vectors.GetProperty("bits").GetInt32());
        Assert.All(vectors.GetProperty("multiply_adds").EnumerateArray(), peak => Assert.True(peak.GetProperty("bits").GetInt32() <= usable && peak.GetProperty("gigaflops_per_second").GetDouble() > 0));
        Assert.Equal(Environment.GetEnvironmentVariable("CONVOY_CACHE_DIR"), root.GetProperty("kernels").GetProperty("folder").GetString());
        Assert.True(root.GetProperty("state").GetProperty("slow_gigaflops_per_second").GetDouble() > 0);
        Assert.Equal("2.10.0", root.GetProperty("host").GetProperty("versions").GetProperty("libtorch").GetString());
    }

    [Fact]
    public async Task Run_OutputClosedEarly_SaysNothingOfIt()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs a POSIX shell.");
        string program = Path.Combine(AppContext.BaseDirectory, "convoy.dll");

        ProgramRun run = await ProgramRun.StartAsync("sh", ["-c", $"dotnet '{program}' doctor --help | true"]);

        Assert.Equal(0, run.ExitCode);
        Assert.Empty(run.Error);
    }
}
