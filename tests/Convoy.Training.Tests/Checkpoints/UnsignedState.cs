using System.Text.Json.Nodes;

namespace Convoy.Training.Tests.Checkpoints;

/// <summary>Makes a checkpoint's state.json one of a version before the sums, which a person may edit.</summary>
internal static class UnsignedState
{
    public static void Edit(string file, Action<JsonObject> edit)
    {
        JsonObject state = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
        Assert.True(state.Remove("sha256"));
        edit(state);
        File.WriteAllText(file, state.ToJsonString());
    }
}
