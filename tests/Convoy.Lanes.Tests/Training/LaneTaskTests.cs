using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Convoy.Distributed.Backends.Single;
using Convoy.Lanes.Data;
using Convoy.Lanes.Evaluation;
using Convoy.Lanes.Models;
using Convoy.Lanes.Training;
using Convoy.Metrics;
using Convoy.Training.Checkpoints;
using Convoy.Training.Options;
using Convoy.Training.Runs;
using Convoy.Training.Tasks;
using TorchSharp;

namespace Convoy.Lanes.Tests.Training;

public sealed class LaneTaskTests : IDisposable
{
    private readonly LaneRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    [Trait("Repeats", "more")]
    public void Run_ManySteps_KeepsLiveTensorsFlat()
    {
        int steps = Repetitions.Of(72, 300);
        var watch = new Watch();

        _runs.Train("run", _runs.Task, LaneRuns.Options with { Steps = steps, Accumulate = 4, CheckpointEvery = steps / 3, KeepCheckpoints = 1 }, watch);

        // Those of this thread, which takes the steps: what other threads or the garbage collector do is left out.
        // An update falls into each four steps and an epoch's end into each three; the most of twelve sees all of them.
        Assert.Equal(watch.MostTensors(9, 20), watch.MostTensors(steps - 11, steps));
    }

    // Few steps: without instructions for float16 a step of it takes about a second.
    [Fact]
    public void Run_NarrowTypes_LearnsAsFloat32DoesAndSaysSo()
    {
        double[] reference = LaneRuns.Losses(Train("fp32", Precision.Fp32));
        foreach ((string name, Precision precision) in new[] { ("bf16", Precision.Bf16), ("fp16", Precision.Fp16) })
        {
            RunDirectory run = Train(name, precision);

            double[] losses = LaneRuns.Losses(run);
            Assert.Equal(3, losses.Length);
            Assert.All(losses, loss => Assert.True(double.IsFinite(loss)));

            // Not the same computation, but the same training.
            Assert.NotEqual(reference[0], losses[0]);
            Assert.All(reference.Zip(losses), pair => Assert.Equal(pair.First, pair.Second, 0.05 * pair.First));
            Assert.Equal(name, MetricsFile.Read(run.Metrics).Config!["precision"]!.GetValue<string>());
        }

        RunDirectory Train(string name, Precision precision) =>
            _runs.Train(name, _runs.Task, LaneRuns.Options with { Steps = 3, ScheduleSteps = 8, KeepCheckpoints = 1, Precision = precision, WarmupUpdates = 0 });
    }

    [Theory]
    [Trait("Repeats", "more")]
    [InlineData(false)]
    [InlineData(true)]
    public void Evaluate_InARun_IsWhatTheCheckpointsEvaluationGives(bool channelsLast)
    {
        Repetitions.RequireAllUnless(channelsLast);
        LaneOptions task = _runs.Task with { ValSplit = 0.5, ImageSize = new ImageSize(96, 64), LineWidth = 4 };
        RunDirectory run = _runs.Train("run", task, LaneRuns.Options with { BatchSize = 1, Steps = 24, Lr = 0.002, EvalEvery = 12, CheckpointEvery = 12, KeepCheckpoints = 9, ChannelsLast = channelsLast });
        IReadOnlyDictionary<string, double>?[] evaluations = [.. LaneRuns.Steps(run).Select(step => step.Evaluation)];

        Assert.Equal([12, 24], evaluations.Index().Where(step => step.Item is not null).Select(step => step.Index + 1));
        foreach (int step in (int[])[12, 24])
        {
            Checkpoint checkpoint = run.CheckpointOf(step);
            using LaneDetector detector = LaneDetector.Load(checkpoint, channelsLast);
            using var evaluator = new Evaluator(detector, LaneData.Open(task).Validation!, checkpoint.LineWidth());
            EvaluationSummary summary = EvaluationSummary.Summarize([.. evaluator.Frames(TestContext.Current.CancellationToken)]);

            IReadOnlyDictionary<string, double> evaluation = evaluations[step - 1]!;
            Assert.Equal(["accuracy", "fn", "fp", "loss"], evaluation.Keys.Order(StringComparer.Ordinal));
            Assert.Equal(summary.Loss, evaluation["loss"], 1e-9);
            Assert.Equal(summary.Untimed!.Accuracy, evaluation["accuracy"], 1e-9);
            Assert.Equal(summary.Untimed.FalsePositives, evaluation["fp"], 1e-9);
            Assert.Equal(summary.Untimed.FalseNegatives, evaluation["fn"], 1e-9);
            Assert.Equal(evaluation, checkpoint.State.Metrics);
        }

        // So what is compared is not only zeros.
        Assert.NotEqual(evaluations[11]!["loss"], evaluations[23]!["loss"]);
        Assert.True(evaluations[23]!["accuracy"] > 0, "nothing was found");
    }

    [Theory]
    [Trait("Repeats", "more")]
    [InlineData(Precision.Fp32)]
    [InlineData(Precision.Bf16)]
    public void Evaluate_InARun_DoesNotChangeTheTraining(Precision precision)
    {
        Repetitions.RequireAllUnless(precision == Precision.Bf16);
        LaneOptions task = _runs.Task with { ValSplit = 0.5 };
        TrainingOptions options = LaneRuns.Options with { BatchSize = 1, Steps = 6, Precision = precision };
        double[] losses = LaneRuns.Losses(_runs.Train("without", task, options));
        RunDirectory run = _runs.Train("with", task, options with { EvalEvery = 2 });

        Assert.Equal(losses, LaneRuns.Losses(run));
        Assert.Equal(3, LaneRuns.Steps(run).Count(step => step.Evaluation is { } evaluation && double.IsFinite(evaluation["loss"])));
        Assert.DoesNotContain(LaneRuns.Steps(_runs["without"]), step => step.Evaluation is not null);
    }

    [Fact]
    public void Evaluate_NothingHeldOut_IsNothing()
    {
        RunDirectory run = _runs.Train("run", _runs.Task, LaneRuns.Options with { Steps = 2, EvalEvery = 1 });

        Assert.All(LaneRuns.Steps(run), step => Assert.Null(step.Evaluation));
        Assert.Null(Checkpoint.Latest(run.Checkpoints)!.State.Metrics);
    }

    [Fact]
    public void Checkpoint_OfARun_KnowsTheModelAgain()
    {
        RunDirectory run = _runs.Train("run", _runs.Task with { LineWidth = 2.5 }, LaneRuns.Options with { Steps = 1 });
        Checkpoint checkpoint = Checkpoint.Find(run.Root);

        Assert.Equal((new ImageSize(64, 32), 2.5), (checkpoint.ImageSize(), checkpoint.LineWidth()));
        using LaneDetectionModel model = checkpoint.LoadModel();
        Assert.Equal(EncoderDepth.ResNet18, model.Encoder);

        // As before there were other tasks: beside the others, and where earlier versions look for it.
        JsonObject state = JsonNode.Parse(File.ReadAllText(Path.Combine(checkpoint.Folder, "state.json")))!.AsObject();
        Assert.Equal(("ResNet18", "64x32", 2.5), (state["encoder"]!.GetValue<string>(), state["image_size"]!.GetValue<string>(), state["line_width"]!.GetValue<double>()));
    }

    [Fact]
    public void PrepareData_DrawnData_IsCountedBeforeItIsThereAndDrawnOnce()
    {
        string folder = _runs["run"].Root;
        using var task = new LaneTask { Options = new LaneOptions { Data = DrawnData.Folder(folder), ValSplit = 0.25 }, FramesToDraw = 4 };
        using var group = new ProcessGroupSingle();
        var context = new TrainingContext(LaneRuns.Options, group, folder);
        var drawn = new Counter();

        int before = task.CountSamples(context);
        Assert.False(Directory.Exists(folder));
        task.PrepareData(new DataPreparation(folder, Seed: 3, drawn, TestContext.Current.CancellationToken));
        Assert.Equal([(1, 4), (2, 4), (3, 4), (4, 4)], drawn.Seen.Order());
        DateTime written = Directory.GetLastWriteTimeUtc(DrawnData.Folder(folder));
        task.PrepareData(new DataPreparation(folder, Seed: 3, drawn, TestContext.Current.CancellationToken));

        Assert.Equal((3, 3), (before, task.CountSamples(context)));
        Assert.Equal(written, Directory.GetLastWriteTimeUtc(DrawnData.Folder(folder)));
        Assert.Equal("synthetic", task.RecordedValues(folder)["data"]);
        Assert.Empty(task.RecordedValues(_runs["other"].Root));
        Assert.Equal("3 frames at 800x360", task.DescribeData(3));
    }

    [Fact]
    public void DescribeChanges_OtherHeldOutFrames_AreNamed()
    {
        using var task = new LaneTask { Options = _runs.Task with { ValSplit = 0.5 } };

        Assert.StartsWith("held-out frames 2 -> 3: ", Assert.Single(task.DescribeChanges(LaneOptions.Table.ToJson(_runs.Task with { ValSplit = 0.3 }))), StringComparison.Ordinal);
        Assert.Empty(task.DescribeChanges(LaneOptions.Table.ToJson(task.Options)));
    }

    [Fact]
    public void CreateSyntheticBatch_OfARank_HasItsShareAtTheNetworksSize()
    {
        using var task = new LaneTask { Options = _runs.Task };
        using var group = new ProcessGroupSingle();
        using LaneBatch batch = task.CreateSyntheticBatch(new TrainingContext(LaneRuns.Options with { BatchSize = 3 }, group, "none"));

        Assert.Equal([3, 3, 32, 64], batch.Images.shape);
        Assert.Equal([3, 32, 64], batch.Masks.shape);
    }

    private sealed class Counter : IProgress<(int Done, int Total)>
    {
        // Frames are drawn side by side.
        public ConcurrentBag<(int Done, int Total)> Seen { get; } = [];

        public void Report((int Done, int Total) value) => Seen.Add(value);
    }

    private sealed class Watch : IProgress<TrainingEvent>
    {
        private readonly Dictionary<long, long> _seen = [];

        public void Report(TrainingEvent value)
        {
            if (value.Step is { } step)
            {
                _seen[step.Step] = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
            }
        }

        public long MostTensors(int from, int to) => Enumerable.Range(from, to - from + 1).Max(step => _seen[step]);
    }
}
