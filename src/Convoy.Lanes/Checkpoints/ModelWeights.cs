using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Lanes.Checkpoints;

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
        Dictionary<string, Tensor> values = SafetensorsFile.Read(path);
        try
        {
            Dictionary<string, Tensor> state = module.state_dict();
            string? missing = state.Keys.FirstOrDefault(name => !values.ContainsKey(name));
            string? unknown = values.Keys.FirstOrDefault(name => !state.ContainsKey(name));
            if (missing is not null || unknown is not null)
            {
                string difference = missing is not null ? $"it has no {missing}" : $"the model has no {unknown}";
                throw new BadInputException($"the checkpoint is of another model, {difference}", path, "Give a checkpoint of this model, or the --encoder that it was trained with.");
            }

            CopyInto(state, values, path);
        }
        finally
        {
            DisposeAll(values);
        }
    }

    /// <summary>
    /// Loads the encoder's weights from a file of torchvision's names (a ResNet, whose classifier <c>fc</c> is passed
    /// over); everything else keeps its values.
    /// </summary>
    /// <returns>How many tensors were taken.</returns>
    /// <exception cref="BadInputException">The file has none of the encoder's names, or a shape differs. The module is unchanged.</exception>
    public static int LoadPretrained(nn.Module module, string path)
    {
        Dictionary<string, Tensor> values = SafetensorsFile.Read(path);
        try
        {
            Dictionary<string, Tensor> state = module.state_dict();
            string[] encoder = [.. state.Keys.Where(name => name.StartsWith("conv1.", StringComparison.Ordinal) || name.StartsWith("bn1.", StringComparison.Ordinal) || name.StartsWith("layer", StringComparison.Ordinal))];

            // num_batches_tracked only counts; older files do without it.
            string? missing = encoder.FirstOrDefault(name => !values.ContainsKey(name) && !name.EndsWith("num_batches_tracked", StringComparison.Ordinal));
            if (missing is not null)
            {
                throw new BadInputException($"the pretrained file has no {missing}", path, "Give a ResNet of the same depth as --encoder, saved as safetensors under torchvision's names.");
            }

            Dictionary<string, Tensor> found = encoder.Where(values.ContainsKey).ToDictionary(name => name, name => state[name]);
            CopyInto(found, values, path);
            return found.Count;
        }
        finally
        {
            DisposeAll(values);
        }
    }

    private static void CopyInto(Dictionary<string, Tensor> state, Dictionary<string, Tensor> values, string path)
    {
        foreach ((string name, Tensor target) in state)
        {
            if (!target.shape.SequenceEqual(values[name].shape))
            {
                throw new BadInputException(
                    $"the checkpoint is of another model, {name} has the shape [{string.Join(", ", values[name].shape)}] instead of [{string.Join(", ", target.shape)}]",
                    path,
                    "Give a checkpoint of this model, or the --encoder that it was trained with.");
            }
        }

        using IDisposable noGrad = no_grad();
        foreach ((string name, Tensor target) in state)
        {
            target.copy_(values[name]);
        }
    }

    private static void DisposeAll(Dictionary<string, Tensor> values)
    {
        foreach (Tensor value in values.Values)
        {
            value.Dispose();
        }
    }
}
