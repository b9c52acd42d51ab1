using System.Text.Json.Nodes;
using Convoy.Metrics;
using Convoy.Torch.Nn;
using Convoy.Training.Options;

namespace Convoy.Training.Tests.Options;

public sealed class RecordedLaunchTests
{
    private static readonly OptionTable Table = OptionTable.For(typeof(OptionTableTests.Settings));

    private static readonly RunConfiguration Configuration = new(
        new TrainingOptions { Nproc = 2, Threads = 1, Precision = Precision.Bf16, Fuse = FusedOperations.Norm | FusedOperations.Loss, SyncBn = false, ChannelsLast = true },
        Table.ToJson(new OptionTableTests.Settings { FolderName = "/my place" }));

    [Fact]
    public void Create_ATaskOfConvoy_HasTheOptionsThatChangeTheWorkOrItsSpeed()
    {
        var launch = RecordedLaunch.Create(Configuration, Table, new Dictionary<string, string>());

        Assert.Equal(["convoy", "train"], launch.Command);
        Assert.Empty(launch.Program);
        Assert.Equal(
            [
                "--nproc", "2", "--threads", "1", "--precision", "bf16", "--batch-size", "8", "--rate", "0.5", "--accumulate", "2", "--fuse", "norm,loss", "--checkpoint-activations", "none", "--workers", "4", "--channels-last", "true",
                "--backend", "auto", "--dir", "/my place", "--no-sync-bn",
            ],
            launch.Settings.SelectMany(setting => setting.Arguments));

        SettingRecord place = launch.Setting("folder_name")!;
        Assert.Equal(("--dir", null, null, SettingEffect.Speed, "place"), (place.Option, place.OffOption, place.Value, place.Effect, place.Label));
        Assert.Equal("--no-sync-bn", launch.Setting("sync_bn")!.OffOption);
        Assert.Equal(["batch_size", "rate", "accumulate"], launch.Settings.Where(setting => setting.Effect == SettingEffect.Work).Select(setting => setting.Name));
    }

    [Fact]
    public void Create_AValueOfThisRunOnly_IsWrittenAsTheTaskSays()
    {
        var launch = RecordedLaunch.Create(Configuration, Table, new Dictionary<string, string> { ["folder_name"] = "drawn" });

        SettingRecord place = launch.Setting("folder_name")!;
        Assert.Equal(["--dir", "drawn"], place.Arguments);
        Assert.Equal("drawn", place.Value);
    }

    [Fact]
    public void Create_AnAbsentValue_HasNoWordsAndItsName()
    {
        var launch = RecordedLaunch.Create(Configuration with { Task = Table.ToJson(new OptionTableTests.Settings()) }, Table, new Dictionary<string, string>());

        Assert.Empty(launch.Setting("folder_name")!.Arguments);
        Assert.Equal("--dir", launch.Setting("folder_name")!.Option);
    }

    [Fact]
    public void Create_AProgram_HasItsOwnArgumentsAndTheRunsOptions()
    {
        var launch = RecordedLaunch.Create(Configuration with { Program = ["dotnet", "my.dll", "--dir", "/my place"] }, Table, new Dictionary<string, string>());

        Assert.Equal(["dotnet", "my.dll", "--dir", "/my place"], launch.Program);
        Assert.Null(launch.Setting("folder_name"));
        Assert.Equal("--nproc", launch.Settings[0].Option);
    }

    [Fact]
    public void Create_AnyRun_NamesOptionsThatAreRead()
    {
        var launch = RecordedLaunch.Create(Configuration, Table, new Dictionary<string, string>());
        var reader = new CommandLineReader(Table, TrainingOptions.Table);

        reader.Read([.. launch.Settings.SelectMany(setting => setting.Arguments)]);

        RunConfiguration again = new RunConfiguration(new TrainingOptions(), Table.ToJson(new OptionTableTests.Settings())).With(reader.Settings);
        Assert.Equal(Configuration, again);
        Assert.All(launch.Settings.Where(setting => setting.OffOption is not null), setting => new CommandLineReader(Table, TrainingOptions.Table).Read([setting.OffOption!]));
    }
}
