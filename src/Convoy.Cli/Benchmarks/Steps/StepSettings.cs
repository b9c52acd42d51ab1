using System.Text.Json;
using System.Text.Json.Nodes;
using Convoy.Lanes.Training;
using Convoy.Training;

namespace Convoy.Cli.Benchmarks.Steps;

/// <summary>What the processes of one run of <c>convoy bench step</c> do.</summary>
/// <param name="Options">The run's training options, as <c>config.json</c> has them.</param>
/// <param name="Folder">A folder for what a training run writes.</param>
/// <param name="WarmUp">Steps that are not measured, at least 1.</param>
/// <param name="Profile">Whether rank 0 records layers and operators, which costs a little time.</param>
internal sealed record StepSettings(JsonObject Options, string Folder, int WarmUp, bool Profile)
{
    /// <summary>What <see cref="ToJson"/> wrote.</summary>
    public static StepSettings FromJson(string json) =>
        JsonSerializer.Deserialize<StepSettings>(json) ?? throw new BadInputException("no settings", json, "Start 'convoy bench step', which starts its processes itself.");

    /// <summary>The settings for a worker's command line.</summary>
    public string ToJson() => JsonSerializer.Serialize(this);

    /// <summary>The training options.</summary>
    public TrainingOptions TrainingOptions() => new TrainingOptions { Data = string.Empty, Nproc = 1, Threads = 1 }.With(Options);
}
