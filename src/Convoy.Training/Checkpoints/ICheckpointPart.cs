using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace Convoy.Training.Checkpoints;

/// <summary>
/// What has a state that belongs into checkpoints, beside modules and optimizers: it names its tensors, and says the rest as JSON. It follows
/// <c>torch.distributed.checkpoint.stateful.Stateful</c>, with which Accelerate's <c>register_for_checkpointing</c> agrees.
/// </summary>
public interface ICheckpointPart
{
    /// <summary>The tensors of the state by name. They are written as they are, and loading copies into them; shapes and types stay. Default: none.</summary>
    IReadOnlyDictionary<string, Tensor> Tensors => new Dictionary<string, Tensor>();

    /// <summary>The rest of the state, of the kind that fits into a page: numbers, names, counters. Default: null, nothing.</summary>
    JsonNode? SaveState() => null;

    /// <summary>Goes on with what <see cref="SaveState"/> gave, after the tensors were loaded. Default: ignores it.</summary>
    /// <param name="state">The state; null where that was null.</param>
    /// <exception cref="BadInputException">The state is of something else.</exception>
    void LoadState(JsonNode? state)
    {
    }
}
