using Convoy.Lanes.Sweeps;
using Convoy.Lanes.Training;

namespace Convoy.Lanes.Tests.Sweeps;

public sealed class SweepPlanTests
{
    private static readonly SweepSettings Settings = new()
    {
        Processes = [1, 2, 4],
        Threads = [1],
        Precisions = [Precision.Fp32, Precision.Bf16],
        Steps = 10,
        BatchSize = 8,
        Machine = "a machine",
        Cores = 2,
        Training = new TrainingOptions { Data = "data", Nproc = 1, Threads = 1, Accumulate = 1 },
    };

    [Fact]
    public void Runs_OfAStudy_GoThereAndBackSoThatDriftHitsAllAlike()
    {
        SweepRun[] runs = [.. new SweepPlan(Settings with { Repeats = 2 }).Runs];

        Assert.Equal(12, runs.Length);
        Assert.Equal(["1x1-fp32-run1", "1x1-bf16-run1", "2x1-fp32-run1", "2x1-bf16-run1", "4x1-fp32-run1", "4x1-bf16-run1", "4x1-bf16-run2"], runs.Take(7).Select(r => r.Name));

        // With a machine that slows down evenly, the mean place of every configuration is the same.
        Assert.All(runs.Index().GroupBy(r => r.Item.Configuration), g => Assert.Equal(5.5, g.Average(r => r.Index)));
    }

    [Fact]
    public void Configurations_WithAutoThreads_ShareTheCores()
    {
        SweepPlan plan = new(Settings with { Cores = 4, Threads = [SweepSettings.AutoThreads, 1], Precisions = [Precision.Fp32] });

        Assert.Equal([(1, 1), (1, 4), (2, 1), (2, 2), (4, 1)], plan.Configurations.Select(c => (c.Processes, c.Threads)));
    }

    [Theory]
    [InlineData(false, 8, 8)]
    [InlineData(true, 8, 32)]
    public void Options_OfFourProcesses_HaveTheBatchOfTheKindOfScaling(bool weak, int batch, int global)
    {
        SweepPlan plan = new(Settings with { Weak = weak, BatchSize = batch });

        TrainingOptions options = plan.Options(new SweepConfiguration(4, 2, Precision.Bf16));

        Assert.Equal((4, 2, Precision.Bf16, global), (options.Nproc, options.Threads, options.Precision, options.BatchSize));
        Assert.Equal((12, 0), (options.Steps, options.KeepCheckpoints));
    }

    [Fact]
    public void Options_OfABatchThatCannotBeShared_AreRefused() =>
        Assert.Contains("batch size 8 over 3 processes", Assert.Throws<BadInputException>(() => new SweepPlan(Settings).Options(new SweepConfiguration(3, 1, Precision.Fp32))).Message);

    [Fact]
    public void Steps_WithAccumulation_AreWholeUpdates()
    {
        SweepPlan plan = new(Settings with { Steps = 5, Warmup = 1, Training = Settings.Training with { Accumulate = 4 } });

        Assert.Equal((4, 8), (plan.WarmupSteps, plan.MeasuredSteps));
    }

    [Fact]
    public void IsEnough_WithSteps_NeverEndsARun() => Assert.False(new SweepPlan(Settings).IsEnough(100, 1e6));

    [Theory]
    [InlineData(4, 1000, false)] // two to warm up, two that count: too few
    [InlineData(5, 8, false)] // 8 s of 3 steps, two more end at 13.3 s
    [InlineData(5, 10, true)] // ... at 16.7 s, after the 16 s that a run has
    public void IsEnough_WithMinutes_EndsARunBeforeItsTimeIsOver(long steps, double seconds, bool enough)
    {
        SweepPlan plan = new(Settings with { Steps = null, Minutes = 4, Repeats = 2 });

        Assert.Equal(16, plan.SecondsPerRun!.Value, 9);
        Assert.Equal(enough, plan.IsEnough(steps, seconds));
    }
}
