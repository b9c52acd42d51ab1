using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Convoy.Training.Checkpoints;

/// <summary>Objects of a program as entries of a checkpoint's <c>state.json</c>.</summary>
internal static class CheckpointJson
{
    // Fields, so that tuples are not empty; losses may be infinite.
    private static readonly JsonSerializerOptions Format = new() { IncludeFields = true, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    /// <summary>An object as JSON.</summary>
    public static JsonNode? ToNode<T>(T value) => JsonSerializer.SerializeToNode(value, Format);

    /// <summary>The object again.</summary>
    /// <param name="node">What <see cref="ToNode"/> gave.</param>
    /// <param name="what">What it is, with its article, for the error.</param>
    /// <exception cref="BadInputException">It is something else.</exception>
    public static T Read<T>(JsonNode? node, string what)
    {
        try
        {
            return node.Deserialize<T>(Format)!;
        }
        catch (Exception error) when (error is JsonException or NotSupportedException)
        {
            throw new BadInputException(
                $"the checkpoint was written by another program: what stands there is not {what}", BadInputException.Excerpt(node?.ToJsonString() ?? "null"), "Go on with the program that wrote it, or start in another folder.", error);
        }
    }
}
