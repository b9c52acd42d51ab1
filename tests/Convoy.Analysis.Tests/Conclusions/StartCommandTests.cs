using Convoy.Analysis.Conclusions;
using Convoy.Analysis.Runs;
using Convoy.Metrics;

namespace Convoy.Analysis.Tests.Conclusions;

public sealed class StartCommandTests
{
    private static readonly LaunchRecord Launch = new()
    {
        Command = ["convoy", "train"],
        Settings =
        [
            Setting("data", "--data", "--data", "/my data"),
            Setting(SettingNames.Processes, "--nproc", "--nproc", "2"),
            Setting(SettingNames.Threads, "--threads", "--threads", "1"),
            Setting(SettingNames.Precision, "--precision", "--precision", "bf16"),
            Setting(SettingNames.BatchSize, "--batch-size", "--batch-size", "8"),
            Setting("encoder", "--encoder", "--encoder", "resnet18"),
            Setting(SettingNames.Cache, "--cache"),
            Setting(SettingNames.SyncBatchNorm, "--sync-bn", "--no-sync-bn"),
        ],
    };

    [Fact]
    public void Command_OfARunThatRecordedNone_IsNone() => Assert.Null(Command(Times.Run(new Configuration(3), 1)));

    [Fact]
    public void Command_OfARun_HasWhatItRecorded() => Assert.Equal(
        "convoy train --data '/my data' --nproc 2 --threads 1 --precision bf16 --batch-size 8 --encoder resnet18 --no-sync-bn",
        Command(Run(2, 1, Launch)));

    [Fact]
    public void Command_OfAnotherProgram_EndsWithIt() => Assert.Equal(
        "convoy launch --nproc-per-node 2 -- python3 train.py --epochs=3 'it'\\''s' ''",
        Command(Run(2, null, new LaunchRecord
        {
            Command = ["convoy", "launch"],
            Settings = [Setting(SettingNames.Processes, "--nproc-per-node", "--nproc-per-node", "2")],
            Program = ["python3", "train.py", "--epochs=3", "it's", ""],
        })));

    // The record is that of a run's last part; a part before it had other processes.
    [Theory]
    [InlineData(12, 2, "--nproc 12 --threads 2")]
    [InlineData(2, 1, "--nproc 2 --threads 1")]
    public void Command_OfAPartOfAResumedRun_HasThePartsProcessesAndThreads(int processes, int threads, string expected) =>
        Assert.Contains($" {expected} --precision", Command(Run(processes, threads, Launch)), StringComparison.Ordinal);

    [Fact]
    public void Command_OfRepeatsThatDiffer_LeavesOutWhatDiffers() => Assert.Equal(
        "x --nproc 1",
        Command(
            Run(1, null, new LaunchRecord { Command = ["x"], Settings = [Setting(SettingNames.Processes, "--nproc", "--nproc", "1"), Setting("seed", "--seed", "--seed", "1")] }),
            Run(1, null, new LaunchRecord { Command = ["x"], Settings = [Setting(SettingNames.Processes, "--nproc", "--nproc", "1"), Setting("seed", "--seed", "--seed", "2")] })));

    [Fact]
    public void Command_OfRepeatsOfOtherPrograms_IsNone() =>
        Assert.Null(Command(Run(1, null, new LaunchRecord { Command = ["x"] }), Run(1, null, new LaunchRecord { Command = ["y"] })));

    private static Run Run(int processes, int? threads, LaunchRecord launch) => Times.Run(new Configuration(processes, threads, "bf16"), 1) with { Launch = launch };

    private static SettingRecord Setting(string name, string option, params string[] arguments) => new() { Name = name, Option = option, Arguments = arguments };

    private static string? Command(params Run[] runs) => Recommendation.Choose(RunSet.From(runs)).Command;
}
