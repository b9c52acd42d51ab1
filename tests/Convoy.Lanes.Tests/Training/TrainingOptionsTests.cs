using Convoy.Lanes.Training;

namespace Convoy.Lanes.Tests.Training;

public sealed class TrainingOptionsTests
{
    private static readonly TrainingOptions Good = new() { Data = "data", Nproc = 2, Threads = 1 };

    public static TheoryData<string, TrainingOptions> Bad => new()
    {
        { "not a number of processes (0). Give --nproc 1 or more.", Good with { Nproc = 0 } },
        { "not a number of threads (-1). Give --threads 1 or more, or auto.", Good with { Threads = -1 } },
        { "not a batch size (0). Give --batch-size 1 or more.", Good with { BatchSize = 0 } },
        { "the global batch cannot be shared out equally (batch size 8 over 3 processes). Give --batch-size 9, or a number of processes that divides 8.", Good with { Nproc = 3 } },
        { "not a number of epochs (0). Give --epochs 1 or more.", Good with { Epochs = 0 } },
        { "not a number of steps (0). Give --steps 1 or more.", Good with { Steps = 0 } },
        { "not a number of steps (-3). Give --schedule-steps 1 or more.", Good with { ScheduleSteps = -3 } },
        { "not a learning rate (0). Give --lr a number above 0.", Good with { Lr = 0 } },
        { "not a learning rate (NaN). Give --lr a number above 0.", Good with { Lr = double.NaN } },
        { "not a learning rate (Infinity). Give --lr a number above 0.", Good with { Lr = double.PositiveInfinity } },
        { "not a number of updates (-1). Give --warmup-updates 0 or more.", Good with { WarmupUpdates = -1 } },
        { "not a weight decay (-0.5). Give --weight-decay a number from 0.", Good with { WeightDecay = -0.5 } },
        { "not a number of steps to accumulate (0). Give --accumulate 1 or more.", Good with { Accumulate = 0 } },
        { "not a gradient norm (-1). Give --clip a number above 0, or 0 for no clipping.", Good with { Clip = -1 } },
        { "not a share of frames to hold out (1). Give --val-split a number from 0 to below 1.", Good with { ValSplit = 1 } },
        { "not a share of frames to hold out (NaN). Give --val-split a number from 0 to below 1.", Good with { ValSplit = double.NaN } },
        { "not a number of steps (-1). Give --checkpoint-every 0 or more.", Good with { CheckpointEvery = -1 } },
        { "not a number of checkpoints (-1). Give --keep-checkpoints 0 or more.", Good with { KeepCheckpoints = -1 } },
        { "not a time-out in seconds (0). Give --timeout a number above 0, up to 86400.", Good with { TimeoutSeconds = 0 } },
        { "not a number of loader threads (-1). Give --workers 0 to 256.", Good with { Workers = -1 } },
        { "not a line width (0). Give --line-width a number of pixels above 0, up to 200.", Good with { LineWidth = 0 } },
    };

    [Theory]
    [MemberData(nameof(Bad), DisableDiscoveryEnumeration = true)]
    public void Validate_BadValue_SaysWhatAndWhatToDo(string message, TrainingOptions options) =>
        Assert.Equal(message, Assert.Throws<BadInputException>(options.Validate).Message);

    [Fact]
    public void Validate_Defaults_AreFine() => Good.Validate();
}
