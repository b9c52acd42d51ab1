using System.CommandLine;
using Convoy.Cli.Commands;
using Convoy.Cli.Training;
using Convoy.Lanes;
using Convoy.Lanes.Models;
using Convoy.Lanes.Training;
using Convoy.Metrics;

namespace Convoy.Cli.Tests.Training;

public sealed class RecordedLaunchTests
{
    private static readonly TrainingOptions Options = new()
    {
        Data = "/my data",
        Nproc = 2,
        Threads = 1,
        Precision = Precision.Bf16,
        Fuse = FusedOperations.Norm | FusedOperations.Loss,
        SyncBn = false,
        Cache = "/A cache",
        ChannelsLast = true,
    };

    [Fact]
    public void From_ARunsOptions_HasTheWordsOfItsCommandLine() => Assert.Equal(
        [
            "--data", "/my data", "--nproc", "2", "--threads", "1", "--precision", "bf16", "--batch-size", "8", "--encoder", "resnet18", "--image-size", "800x360", "--accumulate", "2",
            "--fuse", "norm, loss", "--workers", "4", "--cache", "/A cache", "--channels-last", "true", "--no-sync-bn", "--augment",
        ],
        Words(RecordedLaunch.From(Options, new RunDirectory("/runs/one"))));

    [Fact]
    public void From_ARunWithoutACache_LeavesTheOptionOut()
    {
        LaunchRecord launch = RecordedLaunch.From(Options with { Cache = null }, new RunDirectory("/runs/one"));

        Assert.DoesNotContain("--cache", Words(launch));
        Assert.Equal("--cache", launch.Setting(SettingNames.Cache)!.Option);
    }

    [Theory]
    [InlineData("/elsewhere/one/data", "synthetic", "synthetic")]
    [InlineData("/elsewhere/two/data", null, "/elsewhere/two/data")]
    [InlineData("/elsewhere/one/frames", null, "/elsewhere/one/frames")]
    public void Data_ThatARunDrewForItself_IsSynthetic(string data, string? value, string argument)
    {
        SettingRecord setting = RecordedLaunch.From(Options with { Data = data }, new RunDirectory("/elsewhere/one")).Setting("data")!;

        Assert.Equal((value, argument), (setting.Value, setting.Arguments[^1]));
    }

    [Fact]
    public void From_AnyRun_NamesOptionsThatTrainTakes()
    {
        LaunchRecord launch = RecordedLaunch.From(Options, new RunDirectory("/runs/one"));

        Assert.Empty(TrainCommand.Create().Parse(Words(launch)).Errors);
        Assert.All(launch.Settings.SelectMany(s => new[] { s.Option, s.OffOption }).OfType<string>(), option => Assert.Contains(TrainCommand.Create().Options, o => o.Name == option));
        Assert.Equal(["encoder", "image_size", "accumulate"], launch.Settings.Where(s => s.Effect == SettingEffect.Work && s.Name != SettingNames.BatchSize).Select(s => s.Name));
    }

    private static string[] Words(LaunchRecord launch) => [.. launch.Settings.SelectMany(s => s.Arguments)];
}
