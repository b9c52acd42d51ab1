using System.Text.Json;
using Convoy.Cli.Tests.Training;

namespace Convoy.Cli.Tests.OwnPrograms;

/// <summary><c>convoy scale</c>, <c>tune</c> and <c>bench step</c> with a model that is not the lane detector.</summary>
public sealed class StudyTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("convoy-own-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task Scale_Sample_EndsInAReportWhoseCommandStartsTheSample()
    {
        string output = Path.Combine(_root, "study");

        ProgramRun run = await ProgramRun.ConvoyAsync(
            ["scale", "--out", output, "--processes", "1,2", "--precision", "fp32", "--steps", "4", "--warmup", "1", "--repeats", "1", "--timeout", "60", "--", .. OwnProgram.Shapes]);

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.True(File.Exists(Path.Combine(output, "report.html")));
        JsonElement report = TrainingFixture.Json(Path.Combine(output, "report.json"));
        Assert.Equal([1, 2], report.GetProperty("configurations").EnumerateArray().Select(c => c.GetProperty("processes").GetInt32()).Order());
        string command = report.GetProperty("recommendation").GetProperty("command").GetString()!;
        Assert.StartsWith("convoy train --nproc ", command, StringComparison.Ordinal);
        Assert.EndsWith($" -- {string.Join(' ', OwnProgram.Shapes)}", command, StringComparison.Ordinal);
        Assert.DoesNotContain("image", run.Output, StringComparison.Ordinal);

        string trained = Path.Combine(_root, "run");
        string[] words = command.Split(' ');
        int dashes = Array.IndexOf(words, "--");
        ProgramRun train = await ProgramRun.ConvoyAsync([.. words[1..dashes], "--out", trained, "--steps", "1", .. words[dashes..]]);
        Assert.True(train.ExitCode == 0, train.Error);
    }

    [Fact]
    [Trait("Repeats", "more")]
    public async Task Tune_Sample_WritesAConfigurationThatTrainsIt()
    {
        Repetitions.RequireAll();
        string file = Path.Combine(_root, "tuned.json"), trained = Path.Combine(_root, "run");

        ProgramRun run = await ProgramRun.ConvoyAsync(
            ["tune", "--budget-seconds", "15", "--threads", "1", "--precision", "fp32", "--channels-last", "false", "--workers", "1", "--out", file, "--", .. OwnProgram.Shapes]);

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains($"Train with it: convoy train --config {file} -- {string.Join(' ', OwnProgram.Shapes)}", run.Output, StringComparison.Ordinal);
        ProgramRun train = await ProgramRun.ConvoyAsync(["train", "--config", file, "--out", trained, "--steps", "1", "--", .. OwnProgram.Shapes]);
        Assert.True(train.ExitCode == 0, train.Error);
        JsonElement config = TrainingFixture.Json(Path.Combine(trained, "config.json"));
        Assert.All(TrainingFixture.Json(file).EnumerateObject().Where(p => p.Name != "measured"), p => Assert.True(JsonElement.DeepEquals(p.Value, config.GetProperty(p.Name)), p.Name));
    }

    [Theory]
    [Trait("Repeats", "more")]
    [InlineData(nameof(OwnProgram.Shapes))] // convolutions
    [InlineData(nameof(OwnProgram.Pairs))] // linear layers
    public async Task BenchStep_Sample_IsMeasuredOnItsFirstBatch(string sample)
    {
        Repetitions.RequireAllUnless(sample == nameof(OwnProgram.Shapes));
        string[] words = OwnProgram.Words(sample);

        ProgramRun run = await ProgramRun.ConvoyAsync(
            ["bench", "step", "--nproc", "1,2", "--threads", "1", "--steps", "2", "--warmup", "1", "--repeats", "1", "--json", "--", .. words]);

        Assert.True(run.ExitCode == 0, run.Error);
        using JsonDocument document = JsonDocument.Parse(run.Output);
        Assert.Equal(string.Join(' ', words), document.RootElement.GetProperty("program").GetString());
        JsonElement[] results = [.. document.RootElement.GetProperty("results").EnumerateArray()];
        Assert.Equal([1, 2], results.Select(result => result.GetProperty("configuration").GetProperty("processes").GetInt32()));
        Assert.All(results, result =>
        {
            Assert.True(result.GetProperty("median_seconds").GetDouble() > 0);
            Assert.True(result.GetProperty("gflop_per_second").GetDouble() > 0);
        });
    }

    [Fact]
    public async Task BenchStep_SampleForPeople_IsATable()
    {
        ProgramRun run = await ProgramRun.ConvoyAsync(["bench", "step", "--threads", "1", "--steps", "1", "--warmup", "1", "--repeats", "1", "--", .. OwnProgram.Pairs]);

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.DoesNotContain("image", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("NaN", run.Output, StringComparison.Ordinal);
    }
}
