using System.Text.Json.Nodes;
using Convoy.Training.Studies;
using Convoy.Training.Options;

namespace Convoy.Training.Tests.Studies;

public sealed class StudyPlanTests
{
    private static readonly StudySettings Settings = new()
    {
        Processes = [1, 2, 4],
        Threads = [1],
        Precisions = [Precision.Fp32, Precision.Bf16],
        Steps = 10,
        BatchSize = 8,
        Machine = "a machine",
        Cores = 2,
        Training = new RunConfiguration(new TrainingOptions { Nproc = 1, Threads = 1, Accumulate = 1 }, new JsonObject { ["data"] = "data" }),
    };

    [Fact]
    public void Runs_OfAStudy_GoThereAndBackSoThatDriftHitsAllAlike()
    {
        StudyRun[] runs = [.. new StudyPlan(Settings with { Repeats = 2 }).Runs];

        Assert.Equal(12, runs.Length);
        Assert.Equal(["1x1-fp32-run1", "1x1-bf16-run1", "2x1-fp32-run1", "2x1-bf16-run1", "4x1-fp32-run1", "4x1-bf16-run1", "4x1-bf16-run2"], runs.Take(7).Select(r => r.Name));

        // With a machine that slows down evenly, the mean place of every configuration is the same.
        Assert.All(runs.Index().GroupBy(r => r.Item.Configuration), g => Assert.Equal(5.5, g.Average(r => r.Index)));
    }

    [Fact]
    public void Configurations_WithAutoThreads_ShareTheCores()
    {
        StudyPlan plan = new(Settings with { Cores = 4, Threads = [StudySettings.AutoThreads, 1], Precisions = [Precision.Fp32] });

        Assert.Equal([(1, 1), (1, 4), (2, 1), (2, 2), (4, 1)], plan.Configurations.Select(c => (c.Processes, c.Threads)));
    }

    [Theory]
    [InlineData(false, 8, 8)]
    [InlineData(true, 8, 32)]
    public void Run_OfFourProcesses_HaveTheBatchOfTheKindOfScaling(bool weak, int batch, int global)
    {
        StudyPlan plan = new(Settings with { Weak = weak, BatchSize = batch });

        TrainingOptions options = plan.Run(new StudyConfiguration(4, 2, Precision.Bf16)).Training;

        Assert.Equal((4, 2, Precision.Bf16, global), (options.Nproc, options.Threads, options.Precision, options.BatchSize));
        Assert.Equal((12, 0), (options.Steps, options.KeepCheckpoints));
    }

    [Fact]
    public void Run_OfABatchThatCannotBeShared_AreRefused() =>
        Assert.Contains("batch size 8, 9 processes", Assert.Throws<BadInputException>(() => new StudyPlan(Settings).Run(new StudyConfiguration(9, 1, Precision.Fp32))).Message);

    [Fact]
    public void Steps_WithAccumulation_AreWholeUpdates()
    {
        StudyPlan plan = new(Settings with { Steps = 5, Warmup = 1, Training = Settings.Training! with { Training = Settings.Training!.Training with { Accumulate = 4 } } });

        Assert.Equal((4, 8), (plan.WarmupSteps, plan.MeasuredSteps));
    }

    [Fact]
    public void IsEnough_WithSteps_NeverEndsARun() => Assert.False(new StudyPlan(Settings).IsEnough(100, 1e6));

    [Theory]
    [InlineData(4, 1000, false)] // two to warm up, two that count: too few
    [InlineData(5, 8, false)] // 8 s of 3 steps, two more end at 13.3 s
    [InlineData(5, 10, true)] // ... at 16.7 s, after the 16 s that a run has
    public void IsEnough_WithMinutes_EndsARunBeforeItsTimeIsOver(long steps, double seconds, bool enough)
    {
        StudyPlan plan = new(Settings with { Steps = null, Minutes = 4, Repeats = 2 });

        Assert.Equal(16, plan.SecondsPerRun!.Value, 9);
        Assert.Equal(enough, plan.IsEnough(steps, seconds));
    }
}
