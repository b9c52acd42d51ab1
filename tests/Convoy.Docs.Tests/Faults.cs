namespace Convoy.Docs.Tests;

/// <summary>Fails with every fault that was found, a line each: xunit's own messages show the first words of the first five.</summary>
internal static class Faults
{
    public static void AssertNone(IEnumerable<string> faults)
    {
        string[] all = [.. faults];
        Assert.True(all.Length == 0, string.Join('\n', all));
    }
}
