using System.Text.Json.Nodes;
using Convoy.Lanes.Training;
using Convoy.Metrics;

namespace Convoy.Cli.Training;

/// <summary>What a run of the lane detector records of how it is started: its options, and which of them change the work or its speed.</summary>
internal static class RecordedLaunch
{
    private static readonly string[] Command = ["convoy", "train"];

    // In the order of the command line. All of them change what a step costs.
    private static readonly SettingRecord[] Options =
    [
        new() { Name = "data", Option = "--data", Effect = SettingEffect.Speed },
        new() { Name = SettingNames.Processes, Option = "--nproc", Effect = SettingEffect.Speed },
        new() { Name = SettingNames.Threads, Option = "--threads", Effect = SettingEffect.Speed },
        new() { Name = SettingNames.Precision, Option = "--precision", Effect = SettingEffect.Speed },
        new() { Name = SettingNames.BatchSize, Option = "--batch-size", Effect = SettingEffect.Work },
        new() { Name = "encoder", Option = "--encoder", Effect = SettingEffect.Work },
        new() { Name = "image_size", Option = "--image-size", Effect = SettingEffect.Work },
        new() { Name = SettingNames.Accumulate, Option = "--accumulate", Effect = SettingEffect.Work },
        new() { Name = "fuse", Option = "--fuse", Effect = SettingEffect.Speed },
        new() { Name = SettingNames.Workers, Option = "--workers", Effect = SettingEffect.Speed, Label = "loader workers" },
        new() { Name = SettingNames.Cache, Option = "--cache", Effect = SettingEffect.Speed, Label = "a cache of decoded frames" },
        new() { Name = "channels_last", Option = "--channels-last", Effect = SettingEffect.Speed },
        new() { Name = SettingNames.SyncBatchNorm, Option = "--sync-bn", OffOption = "--no-sync-bn", Effect = SettingEffect.Speed },
        new() { Name = "augment", Option = "--augment", OffOption = "--no-augment", Effect = SettingEffect.Speed },
    ];

    /// <summary>The record of a run.</summary>
    /// <param name="options">Its settings.</param>
    /// <param name="run">Its folder: data that lies in it was drawn by the run, and is drawn again.</param>
    public static LaunchRecord From(TrainingOptions options, RunDirectory run)
    {
        JsonObject values = options.ToJson();
        return new LaunchRecord
        {
            Command = Command,
            Settings = [.. Options.Select(setting => options.Data == run.SyntheticData && setting.Name == "data"
                ? setting with { Value = DrawnData.Name, Arguments = [setting.Option!, DrawnData.Name] }
                : setting with { Arguments = [.. Arguments(setting, values[setting.Name]?.ToString())] })],
        };
    }

    private static IEnumerable<string> Arguments(SettingRecord setting, string? value) => (setting, value) switch
    {
        (_, null or "") => [],
        ({ OffOption: { } off }, _) => [value == "true" ? setting.Option! : off],
        ({ Name: "data" or SettingNames.Cache }, _) => [setting.Option!, value],
        _ => [setting.Option!, value.ToLowerInvariant()],
    };
}
