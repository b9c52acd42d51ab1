namespace Convoy.Analysis.Reports;

/// <summary>How many passes of a network's convolutions each kernel computes, in words.</summary>
public static class KernelCounts
{
    /// <summary>In words: <c>45 passes by winograd, 18 by libtorch</c>.</summary>
    /// <param name="passes">Passes by kernel, at least one, in the order in which they are named.</param>
    public static string InWords(IEnumerable<KeyValuePair<string, int>> passes) =>
        string.Join(", ", passes.Select((kernel, i) => Wording.Text($"{kernel.Value}{(i > 0 ? "" : kernel.Value == 1 ? " pass" : " passes")} by {kernel.Key}")));
}
