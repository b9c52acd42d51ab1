using Convoy.Torch.Serialization;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Training.Checkpoints;

/// <summary>A module's parameters and buffers as a safetensors file.</summary>
public static class ModelWeights
{
    /// <summary>Writes the module's state under its own names.</summary>
    public static void Save(nn.Module module, string path)
    {
        SafetensorsFile.Write(path, module.state_dict(), new Dictionary<string, string> { ["format"] = "pt" });
    }

    /// <summary>Loads the module's whole state.</summary>
    /// <exception cref="BadInputException">The file is of another model: a name or a shape differs. The module is unchanged.</exception>
    public static void Load(nn.Module module, string path)
    {
        LoadInto(module.state_dict(), path);
    }

    /// <summary>Loads a file into tensors of the same names.</summary>
    /// <exception cref="BadInputException">A name or a shape differs. Nothing was changed.</exception>
    internal static void LoadInto(IReadOnlyDictionary<string, Tensor> state, string path)
    {
        Dictionary<string, Tensor> values = Read(path);
        try
        {
            string? missing = state.Keys.FirstOrDefault(name => !values.ContainsKey(name));
            string? unknown = values.Keys.FirstOrDefault(name => !state.ContainsKey(name));
            if (missing is not null || unknown is not null)
            {
                string difference = missing is not null ? $"it has no {missing}" : $"the model has no {unknown}";
                throw new BadInputException($"the checkpoint is of another model, {difference}", path, "Give a checkpoint of this model, or the settings that it was trained with.");
            }

            CopyInto(state, values, path);
        }
        finally
        {
            DisposeAll(values);
        }
    }

    /// <summary>Copies values into tensors of the same names, after a look at all of their shapes.</summary>
    /// <param name="state">The tensors to change.</param>
    /// <param name="values">Values for all of their names.</param>
    /// <param name="path">The file that the values are from, for errors.</param>
    /// <exception cref="BadInputException">A shape differs. Nothing was changed.</exception>
    public static void CopyInto(IReadOnlyDictionary<string, Tensor> state, Dictionary<string, Tensor> values, string path)
    {
        foreach ((string name, Tensor target) in state)
        {
            if (!target.shape.SequenceEqual(values[name].shape))
            {
                throw new BadInputException(
                    $"the checkpoint is of another model, {name} has the shape [{string.Join(", ", values[name].shape)}] instead of [{string.Join(", ", target.shape)}]",
                    path,
                    "Give a checkpoint of this model, or the settings that it was trained with.");
            }
        }

        using IDisposable noGrad = no_grad();
        foreach ((string name, Tensor target) in state)
        {
            target.copy_(values[name]);
        }
    }

    /// <summary>Disposes what <see cref="Read"/> gave.</summary>
    public static void DisposeAll(Dictionary<string, Tensor> values)
    {
        foreach (Tensor value in values.Values)
        {
            value.Dispose();
        }
    }

    /// <summary>Reads the texts of a file's header.</summary>
    /// <exception cref="BadInputException">It is missing, or no whole safetensors file.</exception>
    internal static IReadOnlyDictionary<string, string> ReadMetadata(string path) => Reading(() => SafetensorsFile.ReadMetadata(path));

    /// <summary>Reads a file's tensors, which are the caller's to dispose.</summary>
    /// <exception cref="BadInputException">It is missing, or no whole safetensors file.</exception>
    public static Dictionary<string, Tensor> Read(string path) => Reading(() => SafetensorsFile.Read(path));

    private static T Reading<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (SafetensorsException error)
        {
            throw new BadInputException(error.Fault, error.Path, error.Remedy, error);
        }
    }
}
