using System.Text.Json;
using Convoy.Cli.Tests.Training;

namespace Convoy.Cli.Tests.Tuning;

/// <summary>Tuning as its user runs it, and a run with what it found: real processes, small images.</summary>
public sealed class TuneCommandTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("convoy-tuning-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task Tune_SmallImages_WritesAConfigurationThatTrains()
    {
        string file = Path.Combine(_root, "tuned.json");

        ProgramRun run = await ProgramRun.ConvoyAsync(
            "tune", "--budget-seconds", "20", "--image-size", "96x64", "--threads", "1", "--precision", "fp32", "--channels-last", "true", "--workers", "1", "--no-sync-bn", "--out", file, "--json");

        Assert.True(run.ExitCode == 0, run.Error);
        using JsonDocument printed = JsonDocument.Parse(run.Output);
        JsonElement tuned = TrainingFixture.Json(file);
        Assert.True(JsonElement.DeepEquals(tuned, printed.RootElement.GetProperty("config")));
        Assert.Equal(["accumulate", "batch_size", "channels_last", "measured", "nproc", "precision", "sync_bn", "threads", "workers"], tuned.EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal));
        Assert.True(printed.RootElement.GetProperty("samples_per_second").GetDouble() > 0);
        JsonElement best = printed.RootElement.GetProperty("candidates").EnumerateArray().First();
        Assert.Equal(best.GetProperty("peak_memory_bytes").GetInt64(), tuned.GetProperty("measured").GetProperty("peak_memory_bytes").GetInt64());
        Assert.InRange(best.GetProperty("peak_memory_bytes").GetInt64(), 30L << 20, printed.RootElement.GetProperty("memory_limit_bytes").GetInt64());
        Assert.All(printed.RootElement.GetProperty("candidates").EnumerateArray(), c => Assert.Equal(8, c.GetProperty("batch_size").GetInt32() * c.GetProperty("accumulate").GetInt32()));
        Assert.Contains(printed.RootElement.GetProperty("candidates").EnumerateArray(), c => c.GetProperty("batch_size").GetInt32() < 8);
        Assert.Contains(printed.RootElement.GetProperty("candidates").EnumerateArray(), c => c.GetProperty("end").GetString() == "Measured");

        string trained = Path.Combine(_root, "run");
        ProgramRun train = await ProgramRun.ConvoyAsync(
            "train", "--data", "synthetic", "--out", trained, "--config", file, "--image-size", "96x64", "--steps", "1", "--keep-checkpoints", "0");

        Assert.True(train.ExitCode == 0, train.Error);
        JsonElement config = TrainingFixture.Json(Path.Combine(trained, "config.json"));
        Assert.All(tuned.EnumerateObject().Where(p => p.Name != "measured"), p => Assert.True(JsonElement.DeepEquals(p.Value, config.GetProperty(p.Name)), p.Name));
    }

    [Fact]
    public async Task Tune_LessMemoryThanAnyProcessTakes_SaysWhatEachNeedsAndWritesNothing()
    {
        string file = Path.Combine(_root, "never.json");

        ProgramRun run = await ProgramRun.ConvoyAsync(
            "tune", "--image-size", "96x64", "--nproc", "1", "--threads", "1", "--precision", "fp32", "--channels-last", "true", "--workers", "1", "--memory-limit", "0.01", "--out", file);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("Give more --memory-limit, or a smaller model or batch.", run.Error, StringComparison.Ordinal);
        Assert.Contains("1 x 1, fp32, channels last, batch 1 x 8, 1 loader thread: needs up to ", run.Error, StringComparison.Ordinal);
        Assert.Contains(" GiB in each process, 0.01 GiB may be", run.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_root));
    }

    [Theory]
    [InlineData("--memory-limit is no amount of memory (much). Give GiB such as 12 or 1.5, or a share of the machine's memory such as 80%.", "--memory-limit", "much")]
    [InlineData("--effective-batch is no number of samples (64-16). Give the samples of an update such as 32, or a range such as 16-64.", "--effective-batch", "64-16")]
    [InlineData("no batch goes with what is given (--effective-batch 12, --batch-size 8).", "--effective-batch", "12", "--batch-size", "8")]
    [InlineData("--budget-seconds must be above 0 (got 0)", "--budget-seconds", "0")]
    [InlineData("the data folder does not exist (/absent)", "--data", "/absent")]
    [InlineData("batch size 8, 9 processes", "--nproc", "9")]
    [InlineData("the table of kernels cannot be read (/absent.json)", "--fuse", "/absent.json")]
    [InlineData("the file cannot be written", "--out", "/absent/tuned.json")]
    public async Task Tune_BadInput_IsRefusedBeforeAnythingIsWritten(string expected, params string[] more)
    {
        string file = Path.Combine(_root, "never.json");

        ProgramRun run = await ProgramRun.ConvoyAsync(["tune", "--image-size", "96x64", .. more.Contains("--out") ? [] : (string[])["--out", file], .. more]);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_root));
    }
}
