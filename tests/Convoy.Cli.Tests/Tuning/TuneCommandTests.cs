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
            "tune", "--budget-seconds", "20", "--image-size", "96x64", "--threads", "1", "--precision", "fp32", "--channels-last", "true", "--workers", "1", "--out", file, "--json");

        Assert.True(run.ExitCode == 0, run.Error);
        using JsonDocument printed = JsonDocument.Parse(run.Output);
        JsonElement tuned = TrainingFixture.Json(file);
        Assert.True(JsonElement.DeepEquals(tuned, printed.RootElement.GetProperty("config")));
        Assert.Equal(["batch_size", "channels_last", "nproc", "precision", "threads", "workers"], tuned.EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal));
        Assert.True(printed.RootElement.GetProperty("images_per_second").GetDouble() > 0);
        Assert.Contains(printed.RootElement.GetProperty("candidates").EnumerateArray(), c => c.GetProperty("end").GetString() == "Measured");

        string trained = Path.Combine(_root, "run");
        ProgramRun train = await ProgramRun.ConvoyAsync(
            "train", "--data", "synthetic", "--out", trained, "--config", file, "--image-size", "96x64", "--steps", "1", "--keep-checkpoints", "0");

        Assert.True(train.ExitCode == 0, train.Error);
        JsonElement config = TrainingFixture.Json(Path.Combine(trained, "config.json"));
        Assert.All(tuned.EnumerateObject(), p => Assert.True(JsonElement.DeepEquals(p.Value, config.GetProperty(p.Name)), p.Name));
    }

    [Theory]
    [InlineData("--budget-seconds must be above 0 (got 0)", "--budget-seconds", "0")]
    [InlineData("the data folder does not exist (/absent)", "--data", "/absent")]
    [InlineData("batch size 8, 3 processes", "--nproc", "3")]
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
