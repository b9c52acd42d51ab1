using System.Text.Json.Nodes;
using Convoy.Torch.Amp;
using Convoy.Torch.Serialization;
using static TorchSharp.torch;

namespace Convoy.Training.Checkpoints;

/// <summary>One thing that a checkpoint holds: it has a file of its own, an entry in <c>state.json</c>, or both.</summary>
internal abstract class ContentPart
{
    /// <summary>Brings to rank 0 what lies on other ranks. All ranks call it together, before <see cref="Write"/>.</summary>
    public virtual void Gather()
    {
    }

    /// <summary>Frees what <see cref="Gather"/> brought.</summary>
    public virtual void Release()
    {
    }

    /// <summary>Writes and flushes the part's file, on rank 0.</summary>
    /// <param name="path">The file.</param>
    /// <returns>Whether the part has one.</returns>
    public virtual bool Write(string path) => false;

    /// <summary>The entry in <c>state.json</c>; null for none.</summary>
    public virtual JsonNode? SaveState() => null;

    /// <summary>Goes on with the file. All ranks call it together.</summary>
    /// <exception cref="BadInputException">The file is missing, or of something else.</exception>
    public virtual void Load(string path)
    {
    }

    /// <summary>Goes on with the entry in <c>state.json</c>.</summary>
    /// <exception cref="BadInputException">The entry is of something else.</exception>
    public virtual void LoadState(JsonNode? state)
    {
    }
}

/// <summary>A module's parameters and buffers.</summary>
internal sealed class ModulePart(nn.Module module) : ContentPart
{
    public nn.Module Module => module;

    public override bool Write(string path)
    {
        ModelWeights.Save(module, path);
        return true;
    }

    public override void Load(string path) => ModelWeights.Load(module, path);
}

/// <summary>A scaler's scale and counter; nothing of a scaler that is disabled.</summary>
internal sealed class ScalerPart(GradScaler scaler) : ContentPart
{
    public override JsonNode? SaveState() => scaler.IsEnabled ? CheckpointJson.ToNode(scaler.StateDict()) : null;

    // A run whose precision was changed starts with a new scale, as one of tasks does.
    public override void LoadState(JsonNode? state)
    {
        if (scaler.IsEnabled && state is not null)
        {
            try
            {
                scaler.LoadStateDict(CheckpointJson.Read<Dictionary<string, double>>(state, "a gradient scaler"));
            }
            catch (Exception error) when (error is ArgumentException or InvalidOperationException)
            {
                throw new BadInputException("the checkpoint's gradient scaler is wrong", error.Message, "Give another checkpoint.", error);
            }
        }
    }
}

/// <summary>What says itself what its state is.</summary>
internal sealed class CustomPart(ICheckpointPart part) : ContentPart
{
    public override bool Write(string path)
    {
        IReadOnlyDictionary<string, Tensor> tensors = part.Tensors;
        if (tensors.Count > 0)
        {
            SafetensorsFile.Write(path, tensors);
        }

        return tensors.Count > 0;
    }

    public override JsonNode? SaveState() => part.SaveState();

    public override void Load(string path)
    {
        if (part.Tensors.Count > 0)
        {
            ModelWeights.LoadInto(part.Tensors, path);
        }
    }

    public override void LoadState(JsonNode? state) => part.LoadState(state);
}
