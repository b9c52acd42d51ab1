using AdamW = TorchSharp.Modules.AdamW;
using Convoy.Torch.Serialization;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Training.Checkpoints;

/// <summary>An optimizer's state as a file of a checkpoint: AdamW's as safetensors, that of others in TorchSharp's own form.</summary>
internal static class OptimizerStateFile
{
    /// <summary>The file of an AdamW.</summary>
    public const string AdamWName = "optimizer.safetensors";

    private const string OtherName = "optimizer.dat";

    /// <summary>Writes the state of every parameter.</summary>
    /// <param name="optimizer">The optimizer, made over <paramref name="names"/>' parameters in this order.</param>
    /// <param name="names">The parameters' names.</param>
    /// <param name="folder">The checkpoint's folder.</param>
    /// <returns>The file's name.</returns>
    public static string Save(optim.Optimizer optimizer, IReadOnlyList<string> names, string folder)
    {
        if (optimizer is AdamW adamW)
        {
            AdamWState.Save(adamW, names, Path.Combine(folder, AdamWName));
            return AdamWName;
        }

        using FileStream stream = File.Create(Path.Combine(folder, OtherName));
        using (var writer = new BinaryWriter(stream, System.Text.Encoding.UTF8, leaveOpen: true))
        {
            writer.Write(optimizer.GetType().Name);
            Helper(optimizer).save_state_dict(writer);
        }

        stream.Flush(flushToDisk: true);
        return OtherName;
    }

    /// <summary>Loads what <see cref="Save"/> wrote.</summary>
    /// <exception cref="BadInputException">The checkpoint is of another model, or of another kind of optimizer.</exception>
    public static void Load(optim.Optimizer optimizer, IReadOnlyList<string> names, string folder)
    {
        string path = Path.Combine(folder, optimizer is AdamW ? AdamWName : OtherName);
        if (!File.Exists(path))
        {
            throw new BadInputException($"the checkpoint has no state of {optimizer.GetType().Name}", folder, "Go on with the optimizer that the run began with.");
        }

        if (optimizer is AdamW adamW)
        {
            AdamWState.Load(adamW, names, path);
            return;
        }

        using var reader = new BinaryReader(File.OpenRead(path));
        string kind = reader.ReadString();
        if (kind != optimizer.GetType().Name)
        {
            throw new BadInputException($"the checkpoint has the state of {kind}, not of {optimizer.GetType().Name}", folder, "Go on with the optimizer that the run began with.");
        }

        Helper(optimizer).load_state_dict(reader);
    }

    private static TorchSharp.Modules.OptimizerHelper Helper(optim.Optimizer optimizer) => optimizer as TorchSharp.Modules.OptimizerHelper
        ?? throw new NotSupportedException($"the state of {optimizer.GetType().Name} cannot be saved: it is none of TorchSharp's optimizers. Give --keep-checkpoints 0, or an optimizer of TorchSharp.");
}

/// <summary>An AdamW optimizer's moments and step counts as a safetensors file: <c>NAME.exp_avg</c>, <c>NAME.exp_avg_sq</c>, <c>NAME.step</c>.</summary>
internal static class AdamWState
{
    /// <summary>Writes the state of every parameter.</summary>
    /// <param name="optimizer">The optimizer, made over <paramref name="names"/>' parameters in this order.</param>
    /// <param name="names">The parameters' names.</param>
    /// <param name="path">The file.</param>
    public static void Save(AdamW optimizer, IReadOnlyList<string> names, string path)
    {
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach ((string name, AdamW.State state) in States(optimizer, names))
        {
            tensors.Add(name + ".exp_avg", state.exp_avg);
            tensors.Add(name + ".exp_avg_sq", state.exp_avg_sq);
            tensors.Add(name + ".step", tensor(state.step, ScalarType.Int64));
        }

        SafetensorsFile.Write(path, tensors);
    }

    /// <summary>Loads what <see cref="Save"/> wrote.</summary>
    /// <exception cref="BadInputException">The file is of another model's optimizer. The optimizer is unchanged.</exception>
    public static void Load(AdamW optimizer, IReadOnlyList<string> names, string path)
    {
        Dictionary<string, Tensor> values = ModelWeights.Read(path);
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        try
        {
            (string Name, AdamW.State State)[] states = [.. States(optimizer, names)];
            foreach ((string name, AdamW.State state) in states)
            {
                Require(values, name + ".exp_avg", state.exp_avg, path);
                Require(values, name + ".exp_avg_sq", state.exp_avg_sq, path);
                Require(values, name + ".step", tensor(state.step, ScalarType.Int64), path);
            }

            foreach ((string name, AdamW.State state) in states)
            {
                state.exp_avg.copy_(values[name + ".exp_avg"]);
                state.exp_avg_sq.copy_(values[name + ".exp_avg_sq"]);
                state.step = values[name + ".step"].item<long>();
            }
        }
        finally
        {
            foreach (Tensor value in values.Values)
            {
                value.Dispose();
            }
        }
    }

    // copy_ would spread a smaller tensor over a larger one without a word.
    private static void Require(Dictionary<string, Tensor> values, string name, Tensor like, string path)
    {
        string? fault = !values.TryGetValue(name, out Tensor? value) ? $"it has no {name}"
            : !value.shape.SequenceEqual(like.shape) || value.dtype != like.dtype ? $"{name} has another shape or dtype"
            : null;
        if (fault is not null)
        {
            throw new BadInputException($"the optimizer's state is of another model, {fault}", path, "Give a checkpoint of this model.");
        }
    }

    private static IEnumerable<(string Name, AdamW.State State)> States(AdamW optimizer, IReadOnlyList<string> names)
    {
        List<TorchSharp.Modules.OptimizerState> states = optimizer.state_dict().State;
        return states.Count == names.Count
            ? names.Zip(states.Cast<AdamW.State>())
            : throw new InvalidOperationException($"the optimizer has {states.Count} parameters, not {names.Count}");
    }
}
