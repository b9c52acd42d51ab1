using System.Text.Json;

namespace Convoy.Cli.Tests;

/// <summary><c>convoy bench loader</c> as its users meet it.</summary>
public sealed class BenchLoaderCommandTests
{
    private static readonly string[] Quick = ["bench", "loader", "--image-size", "80x36", "--batch-size", "2", "--workers", "2", "--threads", "1", "--seconds", "0.02", "--step-seconds", "0.01", "--repeats", "1"];

    [Fact]
    public async Task Loader_Json_IsOneDocumentWithEveryStrategy()
    {
        ProgramRun run = await ProgramRun.ConvoyAsync([.. Quick, "--json"]);

        Assert.Equal((0, "round 1 of 1"), (run.ExitCode, run.Error.TrimEnd()));
        using JsonDocument document = JsonDocument.Parse(run.Output);
        JsonElement report = document.RootElement;
        Assert.Equal(("1280x720", "80x36"), (report.GetProperty("original_size").GetString(), report.GetProperty("image_size").GetString()));
        Assert.InRange(report.GetProperty("cache_bytes").GetInt64(), 32 * 80 * 36 * 4, 33 * 80 * 36 * 4);
        JsonElement[] results = [.. report.GetProperty("results").EnumerateArray()];
        Assert.Equal(8, results.Select(r => (r.GetProperty("source").GetString(), r.GetProperty("workers").GetInt32(), r.GetProperty("augmented").GetBoolean())).Distinct().Count());
        Assert.All(results, r => Assert.True(r.GetProperty("frames_per_second").GetDouble() > 0 && r.GetProperty("frame_cpu_seconds").GetDouble() > 0));
    }

    [Theory]
    [InlineData("convoy: error: --workers must be at least 1 and at most 256 (got 0).", "--workers", "0")]
    [InlineData("convoy: error: --seconds must be above 0 and at most 3600 (got 0).", "--seconds", "0")]
    [InlineData("convoy: error: --repeats must be at least 1 and at most 1000 (got 0).", "--repeats", "0")]
    public async Task Loader_BadUsage_GivesOneLineAnd2(string message, params string[] arguments)
    {
        ProgramRun run = await ProgramRun.ConvoyAsync(["bench", "loader", .. arguments]);

        Assert.Equal((2, string.Empty, message), (run.ExitCode, run.Output, run.Error.TrimEnd()));
    }
}
