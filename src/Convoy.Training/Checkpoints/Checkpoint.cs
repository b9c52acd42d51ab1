using System.Globalization;
using Convoy.Torch.Serialization;
using Convoy.Training.Tasks;
using static TorchSharp.torch;

namespace Convoy.Training.Checkpoints;

/// <summary>
/// A checkpoint: a folder <c>step-000120</c> with <c>model.safetensors</c>, <c>optimizer.safetensors</c>, <c>random.safetensors</c> and
/// <c>state.json</c>, which has the SHA-256 of all of them. A folder of that name is always whole, see <see cref="CheckpointStore"/>.
/// </summary>
public sealed class Checkpoint
{
    private const string ModelName = "model.safetensors", RandomName = "random.safetensors";

    private readonly IReadOnlyDictionary<string, string>? _sums;

    private Checkpoint(string path, CheckpointState state, IReadOnlyDictionary<string, string>? sums)
    {
        Folder = path;
        State = state;
        _sums = sums;
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>Where the run stood.</summary>
    public CheckpointState State { get; }

    /// <summary>The model's weights.</summary>
    public string ModelFile => Path.Combine(Folder, ModelName);

    /// <summary>Writes a checkpoint and deletes the oldest ones beyond <paramref name="keep"/>, but not the best.</summary>
    /// <param name="directory">The run's folder of checkpoints; made when absent.</param>
    /// <param name="model">The model without a DistributedDataParallel wrapper.</param>
    /// <param name="optimizer">The optimizer over all of the model's parameters in their order.</param>
    /// <param name="randomStates">The states of random generators, by name.</param>
    /// <param name="state">Where the run stands.</param>
    /// <param name="keep">How many checkpoints to keep; at least 1.</param>
    /// <param name="best">The metric by which one is the best, and kept; null for none.</param>
    public static Checkpoint Write(string directory, nn.Module model, optim.Optimizer optimizer, IReadOnlyDictionary<string, Tensor> randomStates, CheckpointState state, int keep, MetricGoal? best = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(state);
        return Write(directory, CheckpointContent.Of(model, optimizer), randomStates, state, keep, best);
    }

    /// <summary>As the other, for any content, which is gathered already.</summary>
    internal static Checkpoint Write(string directory, CheckpointContent content, IReadOnlyDictionary<string, Tensor> randomStates, CheckpointState state, int keep, MetricGoal? best)
    {
        var store = new CheckpointStore(directory);
        string folder = store.Put(state.Step, unfinished =>
        {
            IReadOnlyList<string> names = content.Write(unfinished);
            SafetensorsFile.Write(Path.Combine(unfinished, RandomName), randomStates);
            CheckpointStateFile.Write(unfinished, state, [.. names, RandomName]);
        });
        long?[] kept = [state.Step, best is null ? null : Best(directory, best)?.State.Step];
        store.DeleteOldest(keep, step => kept.Contains(step));
        return Open(folder);
    }

    /// <summary>The whole checkpoint with the best value of a metric, the older of two that are equal; null when none has one.</summary>
    public static Checkpoint? Best(string directory, MetricGoal goal)
    {
        ArgumentNullException.ThrowIfNull(goal);
        Checkpoint? best = null;
        foreach ((_, string folder) in new CheckpointStore(directory).All())
        {
            if (Read(folder).Checkpoint is { } checkpoint && goal.IsBetter(checkpoint.State.Metric(goal), best?.State.Metric(goal) ?? double.NaN))
            {
                best = checkpoint;
            }
        }

        return best;
    }

    /// <summary>The newest checkpoint of a run, or null when there is none.</summary>
    /// <exception cref="BadInputException">It is damaged, see <see cref="Open"/>.</exception>
    public static Checkpoint? Latest(string directory)
    {
        while (new CheckpointStore(directory).All() is [.., (_, string newest)])
        {
            try
            {
                return Open(newest);
            }
            catch (BadInputException) when (!Directory.Exists(newest))
            {
                // A run that is going on has just replaced or deleted it.
            }
        }

        return null;
    }

    /// <summary>Opens a checkpoint's folder. Only its state is read; <see cref="Verify"/> looks at everything.</summary>
    /// <exception cref="BadInputException">It is not the folder of a checkpoint, or its state is damaged.</exception>
    public static Checkpoint Open(string folder)
    {
        (Checkpoint? checkpoint, string? fault) = Read(folder);
        return checkpoint ?? throw new BadInputException(Directory.Exists(folder) ? $"not a checkpoint, {fault}" : "no such checkpoint", folder, "Give a folder such as RUN/checkpoints/step-000120.");
    }

    // Looks at everything in the folder of a run's checkpoint.
    private static (Checkpoint? Checkpoint, string? Fault) OpenWhole(string folder, long step)
    {
        (Checkpoint? checkpoint, string? fault) = Read(folder);
        fault ??= checkpoint!.State.Step != step ? string.Create(CultureInfo.InvariantCulture, $"its state.json is of step {checkpoint.State.Step}") : checkpoint.Fault();
        return fault is null ? (checkpoint, null) : (null, fault);
    }

    /// <summary>A run's checkpoints that are whole, from the newest on; only what is asked for is read.</summary>
    /// <param name="directory">The run's folder of checkpoints, which may be absent.</param>
    /// <param name="warnings">Gets a line for each one that is passed over.</param>
    internal static IEnumerable<Checkpoint> Whole(string directory, List<string> warnings)
    {
        foreach ((long step, string folder) in new CheckpointStore(directory).All().Reverse())
        {
            (Checkpoint? checkpoint, string? fault) = OpenWhole(folder, step);
            if (fault is not null)
            {
                warnings.Add($"{Path.GetFileName(folder)} is passed over: {fault}.");
            }

            if (checkpoint is not null)
            {
                yield return checkpoint;
            }
        }
    }

    /// <summary>
    /// Reads every file and compares it with its SHA-256. Of a checkpoint of a version before the sums only the form of the files can
    /// be told.
    /// </summary>
    /// <exception cref="BadInputException">A file is missing or not as it was written.</exception>
    public void Verify()
    {
        if (Fault() is { } fault)
        {
            throw new BadInputException($"the checkpoint is damaged, {fault}", Folder, "Give another checkpoint.");
        }
    }

    /// <summary>Finds the checkpoint that <paramref name="path"/> means: a checkpoint's folder, a run directory (its newest), or a <c>model.safetensors</c> in a checkpoint's folder.</summary>
    /// <exception cref="BadInputException">There is no checkpoint, or it is not whole.</exception>
    public static Checkpoint Find(string path)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        Checkpoint found = File.Exists(full) ? Open(Path.GetDirectoryName(full)!)
            : File.Exists(Path.Combine(full, CheckpointStateFile.Name)) || CheckpointStore.StepOf(Path.GetFileName(full)) is not null ? Open(full)
            : Latest(Path.Combine(full, "checkpoints"))
            ?? Latest(full)
            ?? throw new BadInputException("no checkpoint there", path, "Give a run directory or a folder such as RUN/checkpoints/step-000120.");
        found.Verify();
        return found;
    }

    /// <summary>Loads weights and optimizer state into those of a run that goes on.</summary>
    /// <exception cref="BadInputException">The checkpoint is of another model, or of another kind of optimizer.</exception>
    public void Restore(nn.Module model, optim.Optimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(model);
        CheckpointContent.Of(model, optimizer).Load(Folder);
    }

    /// <summary>The state of a random generator; null when the checkpoint does not have it, as those of earlier versions.</summary>
    /// <param name="name">The generator's name, as <see cref="Write(string, nn.Module, optim.Optimizer, IReadOnlyDictionary{string, Tensor}, CheckpointState, int, MetricGoal?)"/> was given it.</param>
    public Tensor? RandomState(string name)
    {
        string file = Path.Combine(Folder, RandomName);
        if (!File.Exists(file))
        {
            return null;
        }

        Dictionary<string, Tensor> states = SafetensorsFile.Read(file);
        foreach ((string other, Tensor state) in states)
        {
            if (other != name)
            {
                state.Dispose();
            }
        }

        return states.GetValueOrDefault(name);
    }

    private static (Checkpoint? Checkpoint, string? Fault) Read(string folder)
    {
        try
        {
            (CheckpointState state, IReadOnlyDictionary<string, string>? sums) = CheckpointStateFile.Read(folder);
            return (new Checkpoint(folder, state, sums), null);
        }
        catch (Exception error) when (error is FormatException or IOException)
        {
            return (null, error.Message);
        }
    }

    private string? Fault()
    {
        // Those of a version before the sums have the first two only.
        foreach (string name in _sums?.Keys.Order(StringComparer.Ordinal) ?? Enumerable.Empty<string>().Append(ModelName).Append(OptimizerStateFile.DefaultName))
        {
            string file = Path.Combine(Folder, name);
            try
            {
                string? fault = !File.Exists(file) ? $"it has no {name}"
                    : _sums is null ? SafetensorsFile.FindFault(file) is { } form ? $"{name} is {form}" : null
                    : CheckpointStateFile.SumOf(file) != _sums[name] ? $"{name} is not as it was written, its SHA-256 differs"
                    : null;
                if (fault is not null)
                {
                    return fault;
                }
            }
            catch (IOException error)
            {
                return $"{name} cannot be read: {error.Message}";
            }
        }

        return null;
    }
}
