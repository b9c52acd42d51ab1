using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Convoy.Training.Checkpoints;
using Convoy.Metrics;

namespace Convoy.Cli.Tests.Training;

/// <summary>Where <c>train --resume</c> goes on from, what it says of it, and that it ends as the run that nothing happened to.</summary>
public sealed class ResumeTests(ResumeTests.Runs runs) : IClassFixture<ResumeTests.Runs>
{
    private const int Steps = 6;

    [Fact]
    public async Task Resume_NewestCheckpointDamaged_GoesOnFromTheOneBeforeAndSaysSo()
    {
        string run = runs.Copy("damaged");
        string file = Path.Combine(run, "checkpoints/step-000006/model.safetensors");
        byte[] bytes = File.ReadAllBytes(file);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(file, bytes);

        ProgramRun resumed = await ProgramRun.ConvoyAsync("train", "--resume", run);

        Assert.Equal((0, "convoy: warning: step-000006 is passed over: model.safetensors is not as it was written, its SHA-256 differs.\n"), (resumed.ExitCode, resumed.Error));
        Assert.Contains("Going on after step 4 of 6.", resumed.Output, StringComparison.Ordinal);
        AssertWhole(run);
        Assert.True(Directory.Exists(Path.Combine(run, "checkpoints/step-000006.set-aside")));
    }

    [Fact]
    public async Task Resume_CheckpointNamed_GoesOnFromItAndTakesLaterStepsAgain()
    {
        string run = runs.Copy("named");

        ProgramRun resumed = await ProgramRun.ConvoyAsync("train", "--resume", Path.Combine(run, "checkpoints", "step-000004") + "/");

        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Assert.Contains("Going on after step 4 of 6.", resumed.Output, StringComparison.Ordinal);
        AssertWhole(run);
        Assert.True(Directory.Exists(Path.Combine(run, "checkpoints/step-000006.set-aside")));

        ProgramRun absent = await ProgramRun.ConvoyAsync("train", "--resume", Path.Combine(run, "checkpoints", "step-000005"));
        Assert.Equal(2, absent.ExitCode);
        Assert.Matches(@"\Aconvoy: error: no such checkpoint \([^\n]+step-000005\)\.[^\n]+\n\z", absent.Error);
    }

    [Fact]
    public async Task Resume_KilledBeforeMetricsJson_WritesItAndEnds()
    {
        string run = runs.Copy("no-metrics");
        File.Delete(Path.Combine(run, "metrics.json"));
        Directory.CreateDirectory(Path.Combine(run, "checkpoints/.step-000002.deleted"));
        File.WriteAllText(Path.Combine(run, "metrics.json.0123456789abcdef0123456789abcdef.tmp"), "{");

        ProgramRun resumed = await ProgramRun.ConvoyAsync("train", "--resume", run);

        Assert.Equal((0, string.Empty), (resumed.ExitCode, resumed.Error));
        AssertWhole(run);
        ProgramRun again = await ProgramRun.ConvoyAsync("train", "--resume", run);
        Assert.Equal(2, again.ExitCode);
        Assert.Contains("the run is already that far (step 6 of 6)", again.Error, StringComparison.Ordinal);

        // Killed after metrics.json, before it could say that it was done.
        File.WriteAllText(Path.Combine(run, "run.lock"), $"{int.MaxValue} killed");
        ProgramRun ended = await ProgramRun.ConvoyAsync("train", "--resume", run);
        Assert.Equal((0, string.Empty), (ended.ExitCode, ended.Error));
    }

    [Fact]
    [Trait("Repeats", "more")]
    public async Task Resume_BadLineInAMetricsFile_TakesItsStepsAgain()
    {
        Repetitions.RequireAll();
        string run = runs.Copy("bad-line");
        string log = Path.Combine(run, "metrics_rank0.jsonl");
        string[] lines = File.ReadAllLines(log);
        lines[4] = "{\"timestamp\":";
        File.WriteAllLines(log, lines);
        File.Delete(Path.Combine(run, "metrics.json"));

        ProgramRun resumed = await ProgramRun.ConvoyAsync("train", "--resume", run);

        Assert.Equal((0, "convoy: warning: metrics_rank0.jsonl, line 5 is no step: its steps are taken again from step-000004.\n"), (resumed.ExitCode, resumed.Error));
        AssertWhole(run);
    }

    [Fact]
    [Trait("Repeats", "more")]
    public async Task Resume_BeforeTheFirstCheckpoint_BeginsAnewInTheSameFolder()
    {
        Repetitions.RequireAll();
        string run = runs.Copy("anew");
        Directory.Delete(Path.Combine(run, "checkpoints"), recursive: true);
        File.Delete(Path.Combine(run, "metrics.json"));
        string log = Path.Combine(run, "metrics_rank0.jsonl");
        File.WriteAllLines(log, File.ReadAllLines(log)[..1]);

        ProgramRun resumed = await ProgramRun.ConvoyAsync("train", "--resume", run);

        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Assert.Contains("The run has no checkpoint yet: it starts from the beginning.", resumed.Output, StringComparison.Ordinal);
        AssertWhole(run);
    }

    [Fact]
    public async Task Resume_RunThatStillTrains_IsRefusedAndTheRunUnharmed()
    {
        string run = runs.Fixture.At("still");
        using Process convoy = await runs.Fixture.StartAndWaitForStepAsync(run, 1, 2, "--steps", "100000", "--accumulate", "1", "--checkpoint-every", "1000");
        try
        {
            ProgramRun resumed = await ProgramRun.ConvoyAsync("train", "--resume", run);
            ProgramRun second = await ProgramRun.ConvoyAsync(runs.Fixture.Arguments(run, 1, "--steps", "2"));

            Assert.Equal(2, resumed.ExitCode);
            Assert.Equal($"convoy: error: the run still trains ({run}, process {convoy.Id}). Wait for its end, or stop it with Ctrl-C and then go on with --resume.\n", resumed.Error);
            Assert.Equal(2, second.ExitCode);
            Assert.False(convoy.HasExited);

            // A killed launcher's worker is still ending when the next session begins.
            long before = TrainingFixture.Steps(run).Count;
            TrainingFixture.Signal(convoy.Id, "INT");
            await convoy.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.Equal(130, convoy.ExitCode);
            long step = Checkpoint.Find(run).State.Step;
            Assert.True(step >= before, $"{step} steps, {before} before");
            Assert.Equal(Enumerable.Range(1, (int)step).Select(number => (long)number), TrainingFixture.Steps(run).Select(metrics => metrics.Step));
        }
        finally
        {
            convoy.Kill(entireProcessTree: true);
        }
    }

    [Fact]
    public async Task Resume_OtherProcessesBatchAndHeldOutFrames_SaysWhatChangesAndRecordsIt()
    {
        string run = runs.Copy("changed");
        string config = Path.Combine(run, "config.json");
        JsonObject settings = JsonNode.Parse(File.ReadAllText(config))!.AsObject();
        settings["scale_lr"] = true;
        File.WriteAllText(config, settings.ToJsonString());

        ProgramRun resumed = await ProgramRun.ConvoyAsync("train", "--resume", run, "--steps", "7", "--nproc", "2", "--threads", "1", "--batch-size", "4", "--val-split", "0.5");

        Assert.True(resumed.ExitCode == 0, resumed.Error);
        string[] changes = [.. resumed.Output.Split('\n').Where(line => line.StartsWith("Changed: ", StringComparison.Ordinal)).Select(line => line[9..])];
        Assert.Equal(4, changes.Length);
        Assert.StartsWith("processes 1 -> 2:", changes[0], StringComparison.Ordinal);
        Assert.StartsWith("batch 8 -> 4 images:", changes[1], StringComparison.Ordinal);
        Assert.StartsWith("images of an update 8 -> 4", changes[2], StringComparison.Ordinal);
        Assert.StartsWith("held-out frames 0 -> 12:", changes[3], StringComparison.Ordinal);
        Assert.Equal(
            [.. Enumerable.Repeat((1, 1), Steps), (2, 1)],
            MetricsFile.Read(Path.Combine(run, "metrics.json")).Metrics.Select(step => (step.WorldSize!.Value, step.Threads!.Value)));
    }

    private void AssertWhole(string run)
    {
        foreach (string file in (string[])["model.safetensors", "optimizer.safetensors"])
        {
            Assert.Equal(File.ReadAllBytes(Path.Combine(runs.Whole, "checkpoints/step-000006", file)), File.ReadAllBytes(Path.Combine(run, "checkpoints/step-000006", file)));
        }

        Assert.Equal(TrainingFixture.Steps(runs.Whole).Select(step => (step.Step, step.Loss)), TrainingFixture.Steps(run).Select(step => (step.Step, step.Loss)));
        Assert.Equal(TrainingFixture.Steps(run).Select(step => step.Step), MetricsFile.Read(Path.Combine(run, "metrics.json")).Metrics.Select(step => step.Step));
        Assert.DoesNotContain(Directory.GetFileSystemEntries(run, "*", SearchOption.AllDirectories), entry => Path.GetFileName(entry).StartsWith('.') || entry.EndsWith(".tmp", StringComparison.Ordinal));
    }

    /// <summary>A run of six steps with all its checkpoints, to be copied.</summary>
    public sealed class Runs(FinishedRun finished) : IAsyncLifetime
    {
        public TrainingFixture Fixture { get; } = new(finished);

        public string Whole => Fixture.At("whole");

        public async ValueTask InitializeAsync()
        {
            await Fixture.InitializeAsync();
            await Fixture.TrainAsync("whole", 1, "--accumulate", "1", "--steps", Steps.ToString(CultureInfo.InvariantCulture), "--checkpoint-every", "2", "--keep-checkpoints", "2");
        }

        public ValueTask DisposeAsync() => Fixture.DisposeAsync();

        public string Copy(string name)
        {
            foreach (string file in Directory.EnumerateFiles(Whole, "*", SearchOption.AllDirectories))
            {
                string copy = Path.Combine(Fixture.At(name), Path.GetRelativePath(Whole, file));
                Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
                File.Copy(file, copy);
            }

            return Fixture.At(name);
        }
    }
}
