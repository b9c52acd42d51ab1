using System.Text.Json.Nodes;
using Convoy.Training.Checkpoints;
using Convoy.Lanes.Models;
using static TorchSharp.torch;

namespace Convoy.Cli.Tests.Training;

/// <summary>What the user got wrong ends in exit code 2 with one line, and nothing is written or changed.</summary>
public sealed class BadInputTests(TrainingFixture fixture) : IClassFixture<TrainingFixture>
{
    [Theory]
    [InlineData("--nproc must be at least 1 (got 0)", "--nproc", "0")]
    [InlineData("--batch-size has fewer samples than there are processes (batch size 8, 9 processes)", "--nproc", "9")]
    [InlineData("--stepps", "--stepps", "3")]
    [InlineData("--steps and --epochs both say how long to train (5 and 2)", "--steps", "5", "--epochs", "2")]
    [InlineData("two options contradict each other (--sync-bn --no-sync-bn)", "--sync-bn", "--no-sync-bn")]
    [InlineData("not an image size (big)", "--image-size", "big")]
    [InlineData("--encoder must be one of resnet18, resnet34 (got resnet50)", "--encoder", "resnet50")]
    [InlineData("--precision must be one of fp32, bf16, fp16 (got int8)", "--precision", "int8")]
    [InlineData("not a whole number (--threads many). Write a whole number after --threads, or auto; ", "--threads", "many")]
    [InlineData("--workers must be at least 0 and at most 256 (got -1)", "--workers", "-1")]
    [InlineData("--line-width must be above 0 and at most 200 (got 0)", "--line-width", "0")]
    [InlineData("too few training samples for one step (24 samples, batch size 32)", "--batch-size", "32")]
    [InlineData("no such file (/absent/w.safetensors)", "--pretrained", "/absent/w.safetensors")]
    public async Task Train_BadOption_IsRefusedBeforeAnythingIsWritten(string expected, params string[] options)
    {
        string[] usual = options.Contains("--nproc") ? [] : ["--nproc", "1"];

        await Refused(expected, fixture.At("never"), ["train", "--data", fixture.Data, "--out", fixture.At("never"), "--val-split", "0", .. usual, .. options]);
    }

    [Fact]
    public async Task Train_NoDataFolder_IsRefused() => await RefusedData(fixture.At("absent"), "absent");

    [Fact]
    public async Task Train_LabelLineCutInHalf_NamesFileAndLine()
    {
        string data = Copy("cut-label");
        string file = Path.Combine(data, "label_data_synth.json");
        string[] lines = File.ReadAllLines(file);
        lines[4] = lines[4][..(lines[4].Length / 2)];
        File.WriteAllLines(file, lines);

        await RefusedData(data, "label_data_synth.json", "line 5");
    }

    [Fact]
    public async Task Train_ImageOf0Bytes_IsNamed()
    {
        string data = Copy("empty-image");
        File.WriteAllBytes(Path.Combine(data, "clips/synth/000003/20.jpg"), []);

        await RefusedData(data, "000003/20.jpg");
    }

    [Fact]
    public async Task Train_ImageThatIsNone_IsNamed()
    {
        string data = Copy("no-image");
        File.WriteAllText(Path.Combine(data, "clips/synth/000003/20.jpg"), "this is no picture");

        await RefusedData(data, "000003/20.jpg");
    }

    [Fact]
    public async Task Train_MaskListPointingNowhere_IsNamed()
    {
        string data = fixture.At("mask-list");
        Directory.CreateDirectory(Path.Combine(data, "seg_label", "list"));
        File.WriteAllText(Path.Combine(data, "seg_label/list/train.txt"), "/clips/nowhere/20.jpg /seg_label/nowhere/20.png 1 1 1 1\n");

        await RefusedData(data, "nowhere");
    }

    [Fact]
    public async Task Train_OutputBelowAFile_IsRefused()
    {
        string file = fixture.At("a-file");
        File.WriteAllText(file, "mine");
        string output = Path.Combine(file, "run");

        await Refused($"there is a file where a folder should be ({file})", output, fixture.Arguments(output, 1, "--steps", "2"));

        Assert.Equal("mine", File.ReadAllText(file));
    }

    [Fact]
    public async Task Train_NonEmptyOutput_IsRefusedAndUntouched()
    {
        string[] before = TrainingFixture.Snapshot(fixture.OneProcess);

        ProgramRun run = await ProgramRun.ConvoyAsync(fixture.Arguments(fixture.OneProcess, 1, "--steps", "2"));

        AssertRefusal(run, "the output folder is not empty");
        Assert.Equal(before, TrainingFixture.Snapshot(fixture.OneProcess));
    }

    [Fact]
    public async Task Resume_FolderThatIsNoRun_IsRefused()
    {
        AssertRefusal(await ProgramRun.ConvoyAsync("train", "--resume", fixture.Data), "not a run directory, it has no config.json");
        AssertRefusal(await ProgramRun.ConvoyAsync("train", "--resume", fixture.At("never")), "not a run directory, it has no config.json");
        Assert.False(Directory.Exists(fixture.At("never")));
    }

    [Theory]
    [InlineData("the run is already that far (step 10 of 10)", "--steps", "10")]
    [InlineData("the run is already that far (step 10 of 3)", "--epochs", "1")]
    [InlineData("the checkpoint is of another model", "--steps", "12", "--encoder", "resnet34")]
    [InlineData("--out and --resume both name a run directory", "--out", "/tmp/never")]
    public async Task Resume_ThatCannotGoOn_IsRefusedAndTheRunUntouched(string expected, params string[] options)
    {
        string[] before = TrainingFixture.Snapshot(fixture.OneProcess);

        AssertRefusal(await ProgramRun.ConvoyAsync(["train", "--resume", fixture.OneProcess, .. options]), expected);

        Assert.Equal(before, TrainingFixture.Snapshot(fixture.OneProcess));
    }

    [Fact]
    public async Task Resume_DamagedCheckpoint_IsRefusedAndTheRunUntouched()
    {
        string run = Copy("damaged", fixture.OneProcess);
        string optimizer = TrainingFixture.CheckpointFile(run, "optimizer.safetensors");
        File.WriteAllBytes(optimizer, File.ReadAllBytes(optimizer)[..^100]);
        string[] before = TrainingFixture.Snapshot(run);

        AssertRefusal(await ProgramRun.ConvoyAsync("train", "--resume", run, "--steps", "12"), "the run has no checkpoint that is whole", "step-000010 is passed over: optimizer.safetensors is not as it was written");

        Assert.Equal(before, TrainingFixture.Snapshot(run));
    }

    [Fact]
    public async Task Eval_CheckpointOfAnotherModel_IsRefused()
    {
        string run = Copy("other-model", fixture.OneProcess);
        using (NewDisposeScope())
        {
            ModelWeights.Save(new LaneDetectionModel(EncoderDepth.ResNet34), TrainingFixture.CheckpointFile(run));
        }

        AssertRefusal(await ProgramRun.ConvoyAsync("eval", "--data", fixture.Data, "--checkpoint", run), "the checkpoint is damaged, model.safetensors is not as it was written");

        // A checkpoint of a version before the sums.
        string stateFile = TrainingFixture.CheckpointFile(run, "state.json");
        JsonObject state = JsonNode.Parse(File.ReadAllText(stateFile))!.AsObject();
        Assert.True(state.Remove("sha256"));
        File.WriteAllText(stateFile, state.ToJsonString());
        AssertRefusal(
            await ProgramRun.ConvoyAsync("eval", "--data", fixture.Data, "--checkpoint", run, "--out", fixture.At("never.json"), "--json"), "the checkpoint is of another model");
        AssertRefusal(await ProgramRun.ConvoyAsync("eval", "--data", fixture.Data, "--checkpoint", fixture.At("absent")), "no checkpoint there");
        AssertRefusal(await ProgramRun.ConvoyAsync("eval", "--data", fixture.Data, "--checkpoint", fixture.OneProcess, "--precision", "fp8"), "unknown precision (fp8)");
        Assert.False(File.Exists(fixture.At("never.json")));
    }

    private Task RefusedData(string data, params string[] expected)
    {
        string output = fixture.At("never");
        return Refused(expected, output, ["train", "--data", data, "--out", output, "--nproc", "1", "--val-split", "0", "--batch-size", "1", "--steps", "1"]);
    }

    private static Task Refused(string expected, string output, string[] arguments) => Refused([expected], output, arguments);

    private static async Task Refused(string[] expected, string output, string[] arguments)
    {
        AssertRefusal(await ProgramRun.ConvoyAsync(arguments), expected);
        Assert.False(Path.Exists(output));
    }

    private static void AssertRefusal(ProgramRun run, params string[] expected)
    {
        Assert.Equal(2, run.ExitCode);
        Assert.Equal(string.Empty, run.Output);
        Assert.Matches(@"\Aconvoy: error: [^\n]+ \([^\n]*\)\.[^\n]*\n\z", run.Error);
        Assert.All(expected, text => Assert.Contains(text, run.Error, StringComparison.Ordinal));
    }

    private string Copy(string name, string? source = null)
    {
        source ??= fixture.Data;
        foreach (string file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(fixture.At(name), Path.GetRelativePath(source, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        return fixture.At(name);
    }
}
