using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Convoy.Training.Options;

/// <summary>Everything that decides what a training run computes; a run directory's <c>config.json</c>, in which the settings of run and task stand side by side.</summary>
/// <param name="Training">The settings that every run has.</param>
/// <param name="Task">The settings of the task, by their names in <c>config.json</c>.</param>
[JsonConverter(typeof(RunConfigurationConverter))]
public sealed record RunConfiguration(TrainingOptions Training, JsonObject Task)
{
    /// <summary>The name under which <c>config.json</c> keeps <see cref="Program"/>.</summary>
    public const string ProgramName = "program";

    private static readonly string[] Needed = ["nproc", "threads"];

    /// <summary>The program whose task is trained, and its arguments; empty for the lane detector of <c>convoy</c> itself.</summary>
    public IReadOnlyList<string> Program { get; init; } = [];

    /// <summary>The configuration as <c>config.json</c> has it.</summary>
    public JsonObject ToJson()
    {
        var json = new JsonObject();
        foreach ((string name, JsonNode? value) in Task.Concat(Training.ToJson()))
        {
            json[name] = value?.DeepClone();
        }

        if (Program.Count > 0)
        {
            json[ProgramName] = new JsonArray([.. Program.Select(word => JsonValue.Create(word))]);
        }

        return json;
    }

    /// <summary>Reads a configuration. Settings that it does not have are at their defaults: a run of an earlier version does not have those that came later.</summary>
    /// <param name="values">What <c>config.json</c> has.</param>
    /// <param name="path">The file, for errors.</param>
    /// <exception cref="BadInputException">A setting is missing that every run has, or a value is not of its setting's kind.</exception>
    public static RunConfiguration FromJson(JsonObject values, string path)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (Needed.FirstOrDefault(name => !values.ContainsKey(name)) is { } missing)
        {
            throw new BadInputException($"the configuration has no {missing}", path, "Correct it or start a new run.");
        }

        var task = new JsonObject();
        foreach ((string name, JsonNode? value) in values)
        {
            if (TrainingOptions.Table.Find(name) is null && name != ProgramName)
            {
                task[name] = value?.DeepClone();
            }
        }

        return new RunConfiguration(new TrainingOptions().With(values, $" in {path}"), task) { Program = ProgramOf(values[ProgramName], path) };
    }

    /// <summary>This configuration with settings that a command line or a file gives in place of its own.</summary>
    /// <param name="given">Values by their names in <c>config.json</c>, those of run and task side by side.</param>
    /// <param name="source">What to say after a setting's name in errors, such as <c> in FILE</c>.</param>
    /// <exception cref="BadInputException">A value is not of its setting's kind, or two contradict each other.</exception>
    public RunConfiguration With(JsonObject given, string source = "")
    {
        ArgumentNullException.ThrowIfNull(given);
        JsonObject task = Task.DeepClone().AsObject(), training = [];
        foreach ((string name, JsonNode? value) in given)
        {
            (TrainingOptions.Table.Find(name) is null ? task : training)[name] = value?.DeepClone();
        }

        bool hasSteps = training["steps"] is not null, hasEpochs = training["epochs"] is not null;
        if (hasSteps && hasEpochs && source.Length == 0)
        {
            throw new BadInputException("--steps and --epochs both say how long to train", $"{training["steps"]} and {training["epochs"]}", "Give one of them.");
        }

        TrainingOptions options = Training;
        if (hasEpochs && !hasSteps)
        {
            options = options with { Steps = null };
        }

        if (training["nproc"] is not null && !training.ContainsKey("threads"))
        {
            options = options with { Threads = 0 }; // the cores are shared out again
        }

        return this with { Training = options.With(training, source), Task = task };
    }

    /// <summary>This configuration with numbers in the place of processes and threads that are left to the program, and with everything in its range. Errors call settings as the command line does.</summary>
    /// <param name="cores">Cores to use; at least 1.</param>
    /// <exception cref="BadInputException">The first value that is wrong.</exception>
    public RunConfiguration Resolve(int cores)
    {
        TrainingOptions options = Training.Resolve(cores);
        options.Validate(asOptions: true);
        return this with { Training = options };
    }

    /// <summary>This configuration of a run that goes on, before anything is changed: see <see cref="TrainingOptions.Continued"/>.</summary>
    public RunConfiguration Continued() => this with { Training = Training.Continued() };

    /// <summary>Whether both have the same settings.</summary>
    public bool Equals(RunConfiguration? other) => other is not null && JsonNode.DeepEquals(ToJson(), other.ToJson());

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Training, Task.Count);

    private static string[] ProgramOf(JsonNode? node, string path)
    {
        try
        {
            return node is null ? [] : [.. node.AsArray().Select(word => word!.GetValue<string>())];
        }
        catch (Exception error) when (error is InvalidOperationException or FormatException or NullReferenceException)
        {
            throw new BadInputException("the program must be a list of words", $"{ProgramName} in {path}", "Correct it or start a new run.", error);
        }
    }
}

/// <summary>Configurations inside other documents, such as a study's settings.</summary>
internal sealed class RunConfigurationConverter : JsonConverter<RunConfiguration>
{
    /// <inheritdoc/>
    public override RunConfiguration Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using JsonDocument document = JsonDocument.ParseValue(ref reader);
        if (!SettingsFile.IsUnicode(document.RootElement))
        {
            throw new JsonException("the settings of the runs are no Unicode text");
        }

        JsonNode? node = JsonNode.Parse(document.RootElement.GetRawText(), documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false });
        try
        {
            return node is JsonObject values ? RunConfiguration.FromJson(values, "the settings") : throw new JsonException("the settings of the runs are no JSON object");
        }
        catch (BadInputException error)
        {
            throw new JsonException(error.Message, error);
        }
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, RunConfiguration value, JsonSerializerOptions options) => value.ToJson().WriteTo(writer);
}
