using System.CommandLine;
using Convoy.Cli.Commands;
using Convoy.Cli.Training;
using Convoy.Lanes.Training;
using Convoy.Metrics;
using Convoy.Torch.Nn;
using Convoy.Training;
using Convoy.Training.Options;
using Convoy.Training.Tasks;

namespace Convoy.Cli.Tests.Training;

public sealed class RecordedLaunchTests
{
    private static readonly TrainingOptions Training = new()
    {
        Nproc = 2,
        Threads = 1,
        Precision = Precision.Bf16,
        Fuse = FusedOperations.Norm | FusedOperations.Loss,
        SyncBn = false,
        ChannelsLast = true,
    };

    private static readonly LaneOptions Options = new() { Data = "/my data", Cache = "/A cache" };

    [Fact]
    public void Create_ARunsOptions_HasTheWordsOfItsCommandLine() => Assert.Equal(
        [
            "--data", "/my data", "--nproc", "2", "--threads", "1", "--precision", "bf16", "--batch-size", "8", "--encoder", "resnet18", "--image-size", "800x360", "--accumulate", "2",
            "--fuse", "norm,loss", "--checkpoint-activations", "none", "--workers", "4", "--channels-last", "true", "--backend", "auto", "--cache", "/A cache", "--no-sync-bn", "--augment",
        ],
        Words(Record(Options, "/runs/one")));

    [Fact]
    public void Create_ARunWithoutACache_LeavesTheOptionOut()
    {
        LaunchRecord launch = Record(Options with { Cache = null }, "/runs/one");

        Assert.DoesNotContain("--cache", Words(launch));
        Assert.Equal("--cache", launch.Setting(SettingNames.Cache)!.Option);
    }

    [Theory]
    [InlineData("/elsewhere/one/data", "synthetic", "synthetic")]
    [InlineData("/elsewhere/two/data", null, "/elsewhere/two/data")]
    [InlineData("/elsewhere/one/frames", null, "/elsewhere/one/frames")]
    public void Data_ThatARunDrewForItself_IsSynthetic(string data, string? value, string argument)
    {
        SettingRecord setting = Record(Options with { Data = data }, "/elsewhere/one").Setting("data")!;

        Assert.Equal((value, argument), (setting.Value, setting.Arguments[^1]));
    }

    [Fact]
    public void Create_AnyRun_NamesOptionsThatTrainTakes()
    {
        LaunchRecord launch = Record(Options, "/runs/one");

        Assert.Empty(Train.Parse(Words(launch)).Errors);
        Assert.All(launch.Settings.SelectMany(s => new[] { s.Option, s.OffOption }).OfType<string>(), option => Assert.Contains(Train.Options, o => o.Name == option));
        Assert.Equal(["encoder", "image_size", "accumulate"], launch.Settings.Where(s => s.Effect == SettingEffect.Work && s.Name != SettingNames.BatchSize).Select(s => s.Name));
    }

    private static Command Train => TrainCommand.Create(new TaskChoice([]));

    private static LaunchRecord Record(LaneOptions options, string folder) => RecordedLaunch.Create(
        new RunConfiguration(Training, LaneOptions.Table.ToJson(options)), LaneOptions.Table, ((ITaskPreparation)new LaneTask { Options = options }).RecordedValues(folder));

    private static string[] Words(LaunchRecord launch) => [.. launch.Settings.SelectMany(s => s.Arguments)];
}
