using Convoy.Training.Options;

namespace Convoy.Training.Tests.Options;

public sealed class TrainingOptionsTests
{
    private static readonly TrainingOptions Good = new() { Nproc = 2, Threads = 1 };

    public static TheoryData<string, TrainingOptions> Bad => new()
    {
        { "--nproc must be at least 1 (got 0).", Good with { Nproc = 0 } },
        { "--threads must be at least 1 (got -1).", Good with { Threads = -1 } },
        { "--batch-size must be at least 1 (got 0).", Good with { BatchSize = 0 } },
        { "--batch-size has fewer samples than there are processes (batch size 8, 9 processes). Give --batch-size 9 or more, or at most 8 processes.", Good with { Nproc = 9 } },
        { "--epochs must be at least 1 (got 0).", Good with { Epochs = 0 } },
        { "--steps must be at least 1 and at most 1125899906842624 (got 0).", Good with { Steps = 0 } },
        { "--steps must be at least 1 and at most 1125899906842624 (got 2251799813685248).", Good with { Steps = 1L << 51 } },
        { "--schedule-steps must be at least 1 and at most 1125899906842624 (got -3).", Good with { ScheduleSteps = -3 } },
        { "--lr must be above 0 (got 0).", Good with { Lr = 0 } },
        { "--lr must be above 0 (got NaN).", Good with { Lr = double.NaN } },
        { "--lr must be above 0 (got Infinity).", Good with { Lr = double.PositiveInfinity } },
        { "--warmup-updates must be at least 0 and at most 1125899906842624 (got -1).", Good with { WarmupUpdates = -1 } },
        { "--weight-decay must be at least 0 (got -0.5).", Good with { WeightDecay = -0.5 } },
        { "--accumulate must be at least 1 (got 0).", Good with { Accumulate = 0 } },
        { "--clip must be at least 0 (got -1).", Good with { Clip = -1 } },
        { "--eval-every must be at least 0 (got -1).", Good with { EvalEvery = -1 } },
        { "--checkpoint-every must be at least 0 (got -1).", Good with { CheckpointEvery = -1 } },
        { "--keep-checkpoints must be at least 0 (got -1).", Good with { KeepCheckpoints = -1 } },
        { "--timeout must be above 0 and at most 86400 (got 0).", Good with { TimeoutSeconds = 0 } },
        { "--workers must be at least 0 and at most 256 (got -1).", Good with { Workers = -1 } },
        { "--workers must be at least 0 and at most 256 (got 257).", Good with { Workers = 257 } },
    };

    [Theory]
    [MemberData(nameof(Bad), DisableDiscoveryEnumeration = true)]
    public void Validate_BadValue_SaysWhatAndWhatToDo(string message, TrainingOptions options) =>
        Assert.Equal(message, Assert.Throws<BadInputException>(() => options.Validate(asOptions: true)).Message);

    [Fact]
    public void Continued_OtherProcesses_KeepsTheRateOfTheFirstStart()
    {
        TrainingOptions first = Good with { Nproc = 4, Lr = 0.1 };
        TrainingOptions second = first.Continued() with { Nproc = 3 }, third = second.Continued() with { Nproc = 1 };

        Assert.Equal([0.4, 0.4, 0.4], new[] { first, second, third }.Select(options => options.PeakLr));
        Assert.Equal(0.1, (third with { LrScale = null }).PeakLr);
        Assert.Equal(0.1, (third with { ScaleLr = false }).PeakLr);
    }

    [Fact]
    public void Validate_InCode_CallsSettingsAsCodeDoes()
    {
        Assert.Equal("Nproc must be at least 1 (got 0).", Assert.Throws<BadInputException>(() => (Good with { Nproc = 0 }).Validate()).Message);
        Assert.Equal("TimeoutSeconds must be above 0 and at most 86400 (got 0).", Assert.Throws<BadInputException>(() => (Good with { TimeoutSeconds = 0 }).Validate()).Message);
        Assert.Equal(
            "BatchSize has fewer samples than there are processes (batch size 8, 9 processes). Give BatchSize 9 or more, or at most 8 processes.",
            Assert.Throws<BadInputException>(() => (Good with { Nproc = 9 }).Validate()).Message);
    }

    [Fact]
    public void Validate_Defaults_AreFine() => Good.Validate();

    [Theory]
    [InlineData(1, 8, 1, 1)]
    [InlineData(2, 8, 2, 1)]
    [InlineData(6, 8, 4, 1)]
    [InlineData(16, 8, 8, 2)]
    [InlineData(4, 9, 3, 1)]
    public void Resolve_NothingGiven_IsTheMostProcessesThatDivideTheBatch(int cores, int batch, int processes, int threads)
    {
        TrainingOptions options = new TrainingOptions { BatchSize = batch }.Resolve(cores);

        Assert.Equal((processes, threads), (options.Nproc, options.Threads));
    }

    [Fact]
    public void Resolve_GivenNumbers_AreKept()
    {
        TrainingOptions options = new TrainingOptions { Nproc = 2 }.Resolve(16);

        Assert.Equal((2, 8), (options.Nproc, options.Threads));
        Assert.Equal(options, options.Resolve(64));
    }
}
