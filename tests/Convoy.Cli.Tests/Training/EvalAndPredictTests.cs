using System.Text.Json;
using Convoy.Lanes.Evaluation;

namespace Convoy.Cli.Tests.Training;

/// <summary>What becomes of a trained network: its score and its pictures.</summary>
public sealed class EvalAndPredictTests(TrainingFixture fixture) : IClassFixture<TrainingFixture>
{
    [Fact]
    public async Task Eval_Json_HasTheScoresAndWritesThePredictions()
    {
        string predictions = fixture.At("eval.json");

        ProgramRun run = await ProgramRun.ConvoyAsync("eval", "--data", fixture.Data, "--checkpoint", fixture.OneProcess, "--out", predictions, "--threads", "1", "--json");

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(string.Empty, run.Error);
        using JsonDocument document = JsonDocument.Parse(run.Output);
        JsonElement scores = document.RootElement;
        Assert.Equal(TrainingFixture.Frames, scores.GetProperty("frames").GetInt32());
        Assert.All(["accuracy", "fp", "fn", "lane_iou", "lane_f1"], name => Assert.InRange(scores.GetProperty(name).GetDouble(), 0, name == "fp" || name == "fn" ? 5 : 1));
        Assert.True(scores.GetProperty("loss").GetDouble() > 0);
        Assert.Equal(TrainingFixture.Frames, scores.GetProperty("run_times_ms").GetArrayLength());

        // The file's own score is the one that was printed.
        Assert.Equal(TrainingFixture.Frames, TuSimplePredictionFile.Read(predictions).Count);
        ProgramRun score = await ProgramRun.ConvoyAsync("score", "--pred", predictions, "--gt", Path.Combine(fixture.Data, "label_data_synth.json"), "--json");
        using JsonDocument official = JsonDocument.Parse(score.Output);
        Assert.Equal(scores.GetProperty("accuracy").GetDouble(), official.RootElement[0].GetProperty("value").GetDouble(), 1e-9);
    }

    [Fact]
    public async Task Eval_Bf16_ScoresNearlyAsFloat32()
    {
        double[] losses = new double[2];
        foreach ((int index, string precision) in new[] { "fp32", "bf16" }.Index())
        {
            ProgramRun run = await ProgramRun.ConvoyAsync("eval", "--data", fixture.Data, "--checkpoint", fixture.OneProcess, "--threads", "1", "--precision", precision, "--json");
            Assert.True(run.ExitCode == 0, run.Error);
            using JsonDocument document = JsonDocument.Parse(run.Output);
            losses[index] = document.RootElement.GetProperty("loss").GetDouble();
        }

        Assert.NotEqual(losses[0], losses[1]);
        Assert.Equal(losses[0], losses[1], 0.02 * losses[0]);
    }

    [Fact]
    public async Task Predict_Folder_DrawsEachPictureOnceAndRefusesTheFolderAgain()
    {
        string output = fixture.At("pictures");
        string[] arguments = ["predict", "--checkpoint", fixture.OneProcess, "--out", output, "--threads", "1", Path.Combine(fixture.Data, "clips")];

        ProgramRun first = await ProgramRun.ConvoyAsync(arguments);

        Assert.True(first.ExitCode == 0, first.Error);
        Assert.StartsWith($"{TrainingFixture.Frames} pictures with ", first.Output, StringComparison.Ordinal);
        Assert.Equal(TrainingFixture.Frames, Directory.GetFiles(output, "*.jpg").Length);
        IReadOnlyList<TuSimplePrediction> predictions = TuSimplePredictionFile.Read(Path.Combine(output, "predictions.json"));
        Assert.Equal(TrainingFixture.Frames, predictions.Count);
        Assert.Contains(predictions, prediction => prediction.RawFile == "synth/000003/20.jpg");
        string[] before = TrainingFixture.Snapshot(output);

        ProgramRun second = await ProgramRun.ConvoyAsync(arguments);

        Assert.Equal(2, second.ExitCode);
        Assert.Equal($"convoy: error: the output folder is not empty ({output}). Give a folder that is absent or empty.\n", second.Error);
        Assert.Equal(before, TrainingFixture.Snapshot(output));
    }
}
