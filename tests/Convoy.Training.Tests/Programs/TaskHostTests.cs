using System.Text.Json.Nodes;
using Convoy.Distributed.Backends.Single;
using Convoy.Metrics;
using Convoy.Training.Checkpoints;
using Convoy.Training.Loading;
using Convoy.Training.Options;
using Convoy.Training.Programs;
using Convoy.Training.Tasks;
using TorchSharp;

namespace Convoy.Training.Tests.Programs;

public sealed class TaskHostTests : IDisposable
{
    private readonly SmallRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public void Create_ATask_SaysWhatItIs()
    {
        var host = TaskHost.Create(new SmallTask());

        Assert.Equal(("SmallTask", "picture", false), (host.Name, host.SampleNoun, host.Prepares));
        Assert.Equal(["samples", "dropout"], host.Table.Rows.Select(row => row.Setting));
        Assert.Equal(new TrainingOptions(), host.Defaults);
        Assert.Equal(["24 pictures", "1 picture"], new[] { 24, 1 }.Select(host.DescribeData));
        Assert.Equal(24, host.CountSamples(SmallRuns.Options, "none", _ => { }));
    }

    [Fact]
    public void Create_SettingWithTheNameOfARunsSetting_IsRefused() => Assert.StartsWith(
        "HidingTask.Workers cannot be a setting: every run has --workers. Give the property another name.",
        Assert.Throws<ArgumentException>(() => TaskHost.Create(new HidingTask())).Message,
        StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"samples":7}""", null)]
    [InlineData("""{"sampels":7}""", "unknown setting (sampels). Did you mean samples?")]
    [InlineData("""{"samples":0}""", "--samples must be at least 1 (got 0).")]
    [InlineData("""{"dropout":"much"}""", "dropout must be a number (got much).")]
    public void Apply_Settings_AreSetOrRefused(string json, string? message)
    {
        var task = new SmallTask();

        Exception? error = Record.Exception(() => TaskHost.Create(task).Apply(JsonNode.Parse(json)!.AsObject()));

        Assert.Equal(message, error?.Message);
        Assert.Equal(error is null ? 7 : json.Contains(":0", StringComparison.Ordinal) ? 0 : 24, task.Samples);
    }

    [Fact]
    public void MeasureSteps_OnOneBatch_TellsOfTheModelAndEachStep()
    {
        var model = new List<torch.nn.Module>();
        var steps = new List<StepMetrics>();
        using var group = new ProcessGroupSingle();

        TaskHost.Create(new SmallTask()).MeasureSteps(
            new RunConfiguration(SmallRuns.Options with { Accumulate = 2 }, []), group, steps: 4, _ => { }, model.Add, steps.Add, TestContext.Current.CancellationToken);

        Assert.IsType<SmallModel>(Assert.Single(model));
        Assert.Equal([1, 2, 3, 4], steps.Select(step => step.Step));
        Assert.True(steps[3].Loss < steps[0].Loss, "the batch is not the same");
        Assert.Equal([false, true, false, true], steps.Select(step => step.OptimizerTime > 0));
    }

    [Fact]
    public void CheckCheckpoint_OfThisModelOrAnother_RefusesTheOther()
    {
        _runs.Train("run", new SmallTask(), SmallRuns.Options with { Steps = 1 });
        var host = TaskHost.Create(new SmallTask());
        host.CheckCheckpoint(_runs.Latest("run"), SmallRuns.Options);

        torch.nn.Module other = torch.nn.Linear(2, 2);
        var checkpoint = Checkpoint.Write(
            _runs["other"].Checkpoints, other, torch.optim.AdamW(other.parameters()), new Dictionary<string, torch.Tensor>(), new CheckpointState { Step = 1, ElapsedTime = 0 }, keep: 1);

        Assert.StartsWith("the checkpoint is of another model", Assert.Throws<BadInputException>(() => host.CheckCheckpoint(checkpoint, SmallRuns.Options)).Message, StringComparison.Ordinal);
    }

    private sealed class HidingTask : ITrainingTask<SmallModel, TensorBatch>
    {
        [Option("Somebody.")]
        public int Workers { get; set; }

        public IBatchSource<TensorBatch> OpenData(TrainingContext context) => throw new NotSupportedException();

        public SmallModel CreateModel(TrainingContext context) => throw new NotSupportedException();

        public torch.Tensor Loss(SmallModel model, TensorBatch batch) => throw new NotSupportedException();
    }
}
