using System.Text.Json;

namespace Convoy.Cli.Tests;

/// <summary><c>convoy bench allreduce</c> as its users meet it.</summary>
public sealed class BenchAllReduceCommandTests
{
    [Fact]
    public async Task AllReduce_Json_IsOneDocumentWithEverySizeInBothMemories()
    {
        ProgramRun run = await ProgramRun.ConvoyAsync("bench", "allreduce", "--nproc", "2", "--sizes", "4096,12KB", "--iterations", "7", "--json");

        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
        using JsonDocument document = JsonDocument.Parse(run.Output);
        JsonElement report = document.RootElement;
        Assert.Equal(2, report.GetProperty("processes").GetInt32());
        Assert.Equal("fp32", report.GetProperty("dtype").GetString());
        Assert.True(report.GetProperty("update_gigabytes_per_second").GetDouble() > 0);
        JsonElement[] results = [.. report.GetProperty("results").EnumerateArray()];
        Assert.Equal(
            [(4096, "buffer", 7), (4096, "tensor", 7), (12000, "buffer", 7), (12000, "tensor", 7)],
            results.Select(r => (r.GetProperty("bytes").GetInt64(), r.GetProperty("memory").GetString(), r.GetProperty("iterations").GetInt32())));
        Assert.All(results, r =>
        {
            Assert.True(r.GetProperty("p10_seconds").GetDouble() > 0);
            Assert.InRange(r.GetProperty("median_seconds").GetDouble(), r.GetProperty("p10_seconds").GetDouble(), r.GetProperty("p90_seconds").GetDouble());
            Assert.Equal(r.GetProperty("algorithm_gigabytes_per_second").GetDouble(), r.GetProperty("bus_gigabytes_per_second").GetDouble(), 9); // 2 (N - 1) / N is 1
        });
    }

    [Fact]
    public async Task AllReduce_ForPeople_PrintsATable()
    {
        ProgramRun run = await ProgramRun.ConvoyAsync("bench", "allreduce", "--nproc", "1", "--sizes", "1K", "--dtype", "fp64", "--iterations", "1");

        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
        Assert.StartsWith("All-reduce (sum, fp64) between 1 process;", run.Output, StringComparison.Ordinal);
        Assert.Matches(@"1 KiB +buffer ", run.Output);
        Assert.Matches(@"1 KiB +tensor ", run.Output);
    }

    [Theory]
    [InlineData("convoy: error: --nproc must be at least 1 and at most 1024 (got 0).", "--nproc", "0")]
    [InlineData("convoy: error: not a size (4Q). Give bytes as 4096, 4K, 1M (powers of 1024) or 52MB (powers of 1000), separated by commas.", "--sizes", "1K,4Q")]
    [InlineData("convoy: error: unknown element type (fp8). Give --dtype fp32, fp64, fp16, bf16, int32, int64.", "--dtype", "fp8")]
    [InlineData("convoy: error: not a whole number of fp32 elements (4097 B). Give multiples of 4 bytes.", "--sizes", "4097")]
    [InlineData("convoy: error: --iterations must be at least 0 (got -1).", "--iterations", "-1")]
    [InlineData("convoy: error: --seconds must be above 0 and at most 3600 (got 0).", "--seconds", "0")]
    public async Task AllReduce_BadUsage_GivesOneLineAnd2(string message, params string[] arguments)
    {
        ProgramRun run = await ProgramRun.ConvoyAsync(["bench", "allreduce", .. arguments]);

        Assert.Equal((2, string.Empty, message), (run.ExitCode, run.Output, run.Error.TrimEnd()));
    }
}
