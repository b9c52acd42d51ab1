using System.Text.Json.Nodes;
using Convoy.Lanes.Data;
using Convoy.Training.Checkpoints;

namespace Convoy.Lanes.Models;

/// <summary>What the lane detector keeps in a checkpoint's <c>state.json</c>: its encoder, the size of its images, and the width of the lanes in its masks.</summary>
public static class LaneCheckpoint
{
    internal const string EncoderName = "encoder", ImageSizeName = "image_size", LineWidthName = "line_width";

    /// <summary>The size that the network was trained at.</summary>
    /// <exception cref="BadInputException">The checkpoint is none of a lane detector.</exception>
    public static ImageSize ImageSize(this Checkpoint checkpoint)
    {
        string text = Text(checkpoint, ImageSizeName);
        try
        {
            return Data.ImageSize.Parse(text);
        }
        catch (BadInputException error)
        {
            throw Other(checkpoint, $"its state.json has {ImageSizeName} {text}", error);
        }
    }

    /// <summary>The width of a lane in the masks that it was trained on, in pixels; null for the default at that size.</summary>
    /// <exception cref="BadInputException">The checkpoint is none of a lane detector.</exception>
    public static double? LineWidth(this Checkpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        return checkpoint.State.Task?[LineWidthName] is not { } width ? null
            : width is JsonValue value && value.TryGetValue(out double pixels) && pixels <= 200 && (float)pixels > 0 ? pixels
            : throw Other(checkpoint, $"its state.json has {LineWidthName} {width.ToJsonString()}");
    }

    /// <summary>Makes the model with the checkpoint's weights.</summary>
    /// <exception cref="BadInputException">The checkpoint is none of a lane detector, or of another version of it.</exception>
    public static LaneDetectionModel LoadModel(this Checkpoint checkpoint)
    {
        string name = Text(checkpoint, EncoderName);
        if (!Enum.GetNames<EncoderDepth>().Contains(name) || !Enum.TryParse(name, out EncoderDepth encoder))
        {
            throw new BadInputException("the checkpoint is of another model, its encoder is unknown", name, "Give a checkpoint of this version of Convoy.");
        }

        var model = new LaneDetectionModel(encoder);
        try
        {
            ModelWeights.Load(model, checkpoint.ModelFile);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private static string Text(Checkpoint checkpoint, string name)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        JsonNode? node = checkpoint.State.Task?[name];
        return node is JsonValue value && value.TryGetValue(out string? text) ? text
            : throw Other(checkpoint, node is null ? $"its state.json has no {name}" : $"its state.json has {name} {BadInputException.Excerpt(node.ToJsonString())}");
    }

    private static BadInputException Other(Checkpoint checkpoint, string fault, Exception? error = null) =>
        new($"not a checkpoint of the lane detector, {fault}", checkpoint.Folder, "Give a checkpoint that 'convoy train' wrote.", error);
}
