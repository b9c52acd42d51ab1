using System.Globalization;
using System.Text.Json;
using Convoy.Lanes.Models;
using static TorchSharp.torch;
using AdamW = TorchSharp.Modules.AdamW;

namespace Convoy.Lanes.Checkpoints;

/// <summary>
/// A checkpoint: a folder <c>step-000120</c> with <c>model.safetensors</c>, <c>optimizer.safetensors</c> and
/// <c>state.json</c>. It is written under a temporary name and renamed, so that a folder of that name is always whole.
/// </summary>
public sealed class Checkpoint
{
    private const string Prefix = "step-";
    private const string Unfinished = ".unfinished";

    private Checkpoint(string path, CheckpointState state)
    {
        Folder = path;
        State = state;
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>Where the run stood.</summary>
    public CheckpointState State { get; }

    /// <summary>The model's weights.</summary>
    public string ModelFile => Path.Combine(Folder, "model.safetensors");

    private string OptimizerFile => Path.Combine(Folder, "optimizer.safetensors");

    /// <summary>Writes a checkpoint and deletes the oldest ones beyond <paramref name="keep"/>.</summary>
    /// <param name="directory">The run's folder of checkpoints; made when absent.</param>
    /// <param name="model">The model without a DistributedDataParallel wrapper.</param>
    /// <param name="optimizer">The optimizer over all of the model's parameters in their order.</param>
    /// <param name="state">Where the run stands.</param>
    /// <param name="keep">How many checkpoints to keep; at least 1.</param>
    public static Checkpoint Write(string directory, nn.Module model, AdamW optimizer, CheckpointState state, int keep)
    {
        string name = Prefix + state.Step.ToString("D6", CultureInfo.InvariantCulture);
        Directory.CreateDirectory(directory);
        foreach (string abandoned in Directory.GetDirectories(directory, "." + Prefix + "*" + Unfinished))
        {
            Directory.Delete(abandoned, recursive: true);
        }

        var unfinished = new Checkpoint(Path.Combine(directory, "." + name + Unfinished), state);
        string final = Path.Combine(directory, name);
        Directory.CreateDirectory(unfinished.Folder);
        try
        {
            unfinished.WriteFiles(model, optimizer);
            DeleteIfPresent(final);
            Directory.Move(unfinished.Folder, final);
        }
        catch
        {
            DeleteIfPresent(unfinished.Folder);
            throw;
        }

        foreach (string old in Folders(directory).SkipLast(keep))
        {
            Directory.Delete(old, recursive: true);
        }

        return new Checkpoint(final, state);
    }

    /// <summary>The newest checkpoint of a run, or null when there is none.</summary>
    public static Checkpoint? Latest(string directory) =>
        Folders(directory).LastOrDefault() is { } newest ? Open(newest) : null;

    /// <summary>Opens a checkpoint's folder.</summary>
    /// <exception cref="BadInputException">It is not the folder of a checkpoint.</exception>
    public static Checkpoint Open(string folder)
    {
        string file = Path.Combine(folder, "state.json");
        try
        {
            using FileStream stream = File.OpenRead(file);
            return new Checkpoint(folder, JsonSerializer.Deserialize(stream, CheckpointJson.Default.CheckpointState) ?? throw new JsonException("it is empty"));
        }
        catch (Exception error) when (error is JsonException or IOException)
        {
            throw new BadInputException("not a checkpoint", folder, "Give a folder such as RUN/checkpoints/step-000120.", error);
        }
    }

    /// <summary>Finds the checkpoint that <paramref name="path"/> means: a checkpoint's folder, a run directory (its newest), or a <c>model.safetensors</c> in a checkpoint's folder.</summary>
    /// <exception cref="BadInputException">There is no checkpoint.</exception>
    public static Checkpoint Find(string path)
    {
        string full = Path.GetFullPath(path);
        if (File.Exists(full))
        {
            return Open(Path.GetDirectoryName(full)!);
        }

        if (File.Exists(Path.Combine(full, "state.json")))
        {
            return Open(full);
        }

        return Latest(Path.Combine(full, "checkpoints"))
            ?? Latest(full)
            ?? throw new BadInputException("no checkpoint there", path, "Give a run directory or a folder such as RUN/checkpoints/step-000120.");
    }

    /// <summary>Makes the model with the checkpoint's weights.</summary>
    /// <exception cref="BadInputException">The weights are of another model.</exception>
    public LaneDetectionModel LoadModel()
    {
        if (!Enum.TryParse(State.Encoder, out EncoderDepth encoder) || !Enum.IsDefined(encoder))
        {
            throw new BadInputException("the checkpoint is of another model, its encoder is unknown", State.Encoder, "Give a checkpoint of this version of Convoy.");
        }

        var model = new LaneDetectionModel(encoder);
        try
        {
            ModelWeights.Load(model, ModelFile);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Loads weights and optimizer state into those of a run that goes on.</summary>
    /// <exception cref="BadInputException">The checkpoint is of another model.</exception>
    public void Restore(nn.Module model, AdamW optimizer)
    {
        ModelWeights.Load(model, ModelFile);
        AdamWState.Load(optimizer, Names(model), OptimizerFile);
    }

    private void WriteFiles(nn.Module model, AdamW optimizer)
    {
        ModelWeights.Save(model, ModelFile);
        AdamWState.Save(optimizer, Names(model), OptimizerFile);
        using FileStream stream = File.Create(Path.Combine(Folder, "state.json"));
        JsonSerializer.Serialize(stream, State, CheckpointJson.Default.CheckpointState);
        stream.Flush(flushToDisk: true);
    }

    private static string[] Names(nn.Module model) => [.. model.named_parameters().Select(parameter => parameter.name)];

    private static IEnumerable<string> Folders(string directory) =>
        Directory.Exists(directory)
            ? Directory.EnumerateDirectories(directory, Prefix + "*").Where(IsCheckpointName).OrderBy(folder => folder.Length).ThenBy(folder => folder, StringComparer.Ordinal)
            : [];

    // A folder that a person copied to step-000120-good is no step of the run, and not Convoy's to delete.
    private static bool IsCheckpointName(string folder) => Path.GetFileName(folder).AsSpan(Prefix.Length) is { Length: > 0 } number && !number.ContainsAnyExceptInRange('0', '9');

    private static void DeleteIfPresent(string folder)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
