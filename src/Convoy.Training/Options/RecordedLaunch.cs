using System.Text.Json.Nodes;
using Convoy.Metrics;

namespace Convoy.Training.Options;

/// <summary>What a run records of how it is started again: the command, and the options of all settings that change the work or its speed.</summary>
public static class RecordedLaunch
{
    private static readonly string[] Command = ["convoy", "train"];

    // These come first on the command line, in this order; then what decides the work, then what may change its speed, switches at the end.
    private static readonly string[] First = ["data", SettingNames.Processes, SettingNames.Threads, SettingNames.Precision, SettingNames.BatchSize];

    /// <summary>The record of a run.</summary>
    /// <param name="configuration">Its settings.</param>
    /// <param name="taskTable">The table of its task.</param>
    /// <param name="recordedValues">What to write for settings whose value holds in this run only, by their names; others are written as they are.</param>
    public static LaunchRecord Create(RunConfiguration configuration, OptionTable taskTable, IReadOnlyDictionary<string, string> recordedValues)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        ArgumentNullException.ThrowIfNull(taskTable);
        ArgumentNullException.ThrowIfNull(recordedValues);
        JsonObject values = configuration.ToJson();

        // A program of the user's gets its own settings by its own arguments, which are recorded with it.
        IReadOnlyList<OptionRow> own = configuration.Program.Count > 0 ? [] : taskTable.Rows, common = TrainingOptions.Table.Rows;
        return new LaunchRecord
        {
            Command = Command,
            Program = configuration.Program,
            Settings =
            [
                .. own.Concat(common).Where(row => row.Effect == SettingEffect.Work).Concat(common.Concat(own).Where(row => row.Effect == SettingEffect.Speed))
                    .OrderBy(Place).Select(row => Record(row, values[row.Setting], recordedValues.GetValueOrDefault(row.Setting))),
            ],
        };
    }

    private static int Place(OptionRow row) => Array.IndexOf(First, row.Setting) is >= 0 and int place ? place : First.Length + (row.IsSwitch ? 1 : 0);

    private static SettingRecord Record(OptionRow row, JsonNode? value, string? recorded) => new()
    {
        Name = row.Setting,
        Option = row.Name,
        OffOption = row.IsSwitch ? row.OffName : null,
        Arguments = recorded is null ? row.Arguments(value) : [row.Name, recorded],
        Value = recorded,
        Effect = row.Effect,
        Label = row.Label,
    };
}
