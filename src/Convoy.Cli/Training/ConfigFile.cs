using System.Text.Json;
using System.Text.Json.Nodes;
using Convoy.Lanes.Training;
using Convoy.Training.Options;

namespace Convoy.Cli.Training;

/// <summary>The file of <c>--config</c>: settings of a run under the names of its <c>config.json</c>, as many as one likes.</summary>
internal sealed class ConfigFile
{
    /// <summary>What a file of <c>convoy tune</c> keeps beside the settings: what it measured. A run passes it over.</summary>
    public const string Measured = "measured";

    private static readonly JsonDocumentOptions Format = new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip, AllowDuplicateProperties = false };

    private readonly string _path;
    private readonly JsonObject _values;

    private ConfigFile(string path, JsonObject values) => (_path, _values) = (path, values);

    /// <summary>The data that the file names; null when it names none.</summary>
    public string? Data => _values["data"]?.GetValue<string>();

    /// <summary>Reads the file.</summary>
    /// <exception cref="BadInputException">There is no such file, it is no JSON object, it has a name that no setting has, or a value that its setting cannot have.</exception>
    public static ConfigFile Read(string path)
    {
        JsonObject values = SettingsFile.Read(path, Format);
        values.Remove(Measured);
        OptionRow[] rows = [.. LaneOptions.Table.Rows, .. TrainingOptions.Table.Rows];
        foreach ((string name, JsonNode? value) in values)
        {
            OptionRow row = Array.Find(rows, row => row.Setting == name) ?? throw Unknown(name, path, [.. rows.Select(row => row.Setting)]);
            if (row.IsPath && value is JsonValue text && text.TryGetValue(out string? place) && place.Length == 0)
            {
                throw new BadInputException("a setting that names a path is empty", $"{name} in {path}", "Give a path, or leave the setting out.");
            }
        }

        // Each value on its own, so that what is wrong is found before anything else is looked at.
        LaneOptions.Table.Apply(new LaneOptions(), values, $" in {path}");
        TrainingOptions.Table.Apply(new TrainingOptions(), values, $" in {path}");
        return new ConfigFile(path, values);
    }

    /// <summary>Settings with the file's values in place of their own; <see cref="Data"/> is left to the caller. Paths are taken from the current folder.</summary>
    public RunConfiguration Onto(RunConfiguration settings)
    {
        JsonObject values = _values.DeepClone().AsObject();
        values.Remove("data");
        foreach (OptionRow row in LaneOptions.Table.Rows.Where(row => row.IsPath))
        {
            if (values[row.Setting] is { } relative)
            {
                values[row.Setting] = Path.GetFullPath(relative.GetValue<string>());
            }
        }

        return settings.With(values, $" in {_path}");
    }

    private static BadInputException Unknown(string name, string path, string[] names) => new(
        "unknown setting",
        $"{name} in {path}",
        NearestName.Find(name, names) is { } near ? $"Did you mean {near}?" : $"Known are {string.Join(", ", names)}.");
}
