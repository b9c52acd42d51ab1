using Convoy.Torch.Serialization;
using Convoy.Training.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Lanes.Models;

/// <summary>Weights of a ResNet under torchvision's names, from which the encoder starts.</summary>
public static class PretrainedEncoder
{
    /// <summary>
    /// Loads the encoder's weights from a file of torchvision's names (a ResNet, whose classifier <c>fc</c> is passed
    /// over); everything else keeps its values. The names may all have one prefix, as wrappers give them (<c>module.</c>,
    /// <c>_orig_mod.</c>, <c>model.</c>, <c>backbone.</c>).
    /// </summary>
    /// <returns>How many tensors were taken.</returns>
    /// <exception cref="BadInputException">The file has none of the encoder's names, or has them twice, or a shape or a type differs. The module is unchanged.</exception>
    public static int Load(nn.Module module, string path)
    {
        Dictionary<string, Tensor> values = ModelWeights.Read(path);
        try
        {
            Dictionary<string, Tensor> state = module.state_dict();
            string[] encoder = [.. state.Keys.Where(name => name.StartsWith("conv1.", StringComparison.Ordinal) || name.StartsWith("bn1.", StringComparison.Ordinal) || name.StartsWith("layer", StringComparison.Ordinal))];
            string prefix = Prefix(values, encoder, path);
            var found = new Dictionary<string, Tensor>(StringComparer.Ordinal);
            var named = new Dictionary<string, Tensor>(StringComparer.Ordinal);
            foreach (string name in encoder.Where(name => values.ContainsKey(prefix + name)))
            {
                found.Add(name, state[name]);
                named.Add(name, values[prefix + name]);
                if (state[name].is_floating_point() && !named[name].is_floating_point())
                {
                    throw new BadInputException($"the weights are whole numbers, {prefix}{name} has the type {SafetensorsDtype.Name(named[name].dtype)}", path, $"Save them as {SafetensorsDtype.FloatNames}.");
                }
            }

            ModelWeights.CopyInto(found, named, path);
            return found.Count;
        }
        finally
        {
            ModelWeights.DisposeAll(values);
        }
    }

    // What stands before all of the encoder's names in the file; most often nothing.
    private static string Prefix(Dictionary<string, Tensor> values, string[] encoder, string path)
    {
        // num_batches_tracked only counts; older files do without it.
        string[] needed = [.. encoder.Where(name => !name.EndsWith("num_batches_tracked", StringComparison.Ordinal))];
        string first = needed[0];
        string[] candidates = [.. values.Keys.Where(name => name == first || name.EndsWith("." + first, StringComparison.Ordinal)).Select(name => name[..^first.Length]).OrderBy(prefix => prefix.Length).ThenBy(prefix => prefix, StringComparer.Ordinal)];
        string[] fitting = [.. candidates.Where(prefix => needed.All(name => values.ContainsKey(prefix + name)))];
        if (fitting.Length == 1 || (fitting.Length > 1 && fitting[0].Length == 0))
        {
            return fitting[0];
        }

        if (fitting.Length > 1)
        {
            throw new BadInputException($"the file has the encoder's weights {fitting.Length} times, under {string.Join(" and ", fitting)}", path, "Give a file with one of them.");
        }

        string least = candidates.Length > 0 ? candidates[0] : string.Empty;
        string missing = needed.First(name => !values.ContainsKey(least + name));
        string instead = values.Count == 0 ? "it has no tensors" : candidates.Length > 0 ? string.Empty : $"its first name is {values.Keys.Order(StringComparer.Ordinal).First()}";
        throw new BadInputException(
            $"the pretrained file has no {least}{missing}{(instead.Length > 0 ? "; " + instead : string.Empty)}",
            path,
            "Give a ResNet of the same depth as --encoder, saved as safetensors under torchvision's names.");
    }
}
