using System.Text.Json;
using System.Text.Json.Nodes;
using Convoy.Lanes.Training;
using Convoy.Training;

namespace Convoy.Cli.Training;

/// <summary>The file of <c>--config</c>: settings of a run under the names of its <c>config.json</c>, as many as one likes.</summary>
internal sealed class ConfigFile
{
    private const string DataName = "data";
    private static readonly string[] PathNames = ["val", "cache", "pretrained"];
    private static readonly JsonDocumentOptions Format = new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip, AllowDuplicateProperties = false };

    private readonly string _path;
    private readonly JsonObject _values;

    private ConfigFile(string path, JsonObject values)
    {
        _path = path;
        _values = values;
    }

    /// <summary>The data that the file names; null when it names none.</summary>
    public string? Data { get; private init; }

    /// <summary>Reads the file.</summary>
    /// <exception cref="BadInputException">There is no such file, it is no JSON object, or it has a name that no setting has.</exception>
    public static ConfigFile Read(string path)
    {
        JsonObject values = SettingsText.Read(path, Format);
        foreach ((string name, _) in values)
        {
            if (!TrainingOptions.Names.Contains(name))
            {
                string remedy = NearestName.Find(name, TrainingOptions.Names) is { } near
                    ? $"Did you mean {near}?"
                    : $"Known are {string.Join(", ", TrainingOptions.Names)}.";
                throw new BadInputException("unknown setting", $"{name} in {path}", remedy);
            }
        }

        if (values[DataName] is not null && Text(values, DataName) is null)
        {
            throw WrongKind(DataName, path, null);
        }

        foreach (string name in PathNames.Append(DataName))
        {
            if (Text(values, name) is { Length: 0 })
            {
                throw new BadInputException("a setting that names a path is empty", $"{name} in {path}", "Give a path, or leave the setting out.");
            }
        }

        // Each value on its own, so that what is wrong is found before anything else is looked at.
        var file = new ConfigFile(path, values) { Data = Text(values, DataName) };
        _ = file.Onto(new TrainingOptions { Data = string.Empty, Nproc = 1, Threads = 1 });
        return file;
    }

    /// <summary>Settings with the file's values in place of their own; <see cref="Data"/> is left to the caller. Paths are taken from the current folder.</summary>
    /// <exception cref="BadInputException">A value is not of its setting's kind.</exception>
    public TrainingOptions Onto(TrainingOptions settings)
    {
        JsonObject values = _values.DeepClone().AsObject();
        values.Remove(DataName);
        foreach (string name in PathNames)
        {
            if (Text(values, name) is { } relative)
            {
                values[name] = Path.GetFullPath(relative);
            }
        }

        try
        {
            return settings.With(values);
        }
        catch (JsonException error)
        {
            // What the setting's own reader says names what may stand there; the general text names types of the program.
            string name = (error.Path ?? string.Empty).TrimStart('$', '.');
            throw error.Message.StartsWith("Give ", StringComparison.Ordinal)
                ? new BadInputException($"a setting has a value that it cannot have, {Shortened(values[name])}", $"{name} in {_path}", error.Message, error)
                : WrongKind(name, _path, error);
        }
    }

    private static string Shortened(JsonNode? value)
    {
        string text = value?.ToJsonString() ?? "null";
        return text.Length <= 60 ? text : text[..60] + " ...";
    }

    private static BadInputException WrongKind(string name, string path, Exception? error) =>
        new("a setting has a value of the wrong kind", $"{name} in {path}", "Write it as a run's config.json has it.", error);

    private static string? Text(JsonObject values, string name) =>
        values[name] is JsonValue value && value.TryGetValue(out string? text) ? text : null;
}
