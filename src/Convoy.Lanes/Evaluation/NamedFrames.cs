namespace Convoy.Lanes.Evaluation;

/// <summary>Some frames of a file: how many, and the first of them to look at.</summary>
/// <param name="Count">How many.</param>
/// <param name="First">The first one's <c>raw_file</c>; null when there are none.</param>
public readonly record struct NamedFrames(int Count, string? First)
{
    /// <summary>The distinct frames of <paramref name="frames"/> in their order.</summary>
    internal static NamedFrames Of(IEnumerable<string> frames)
    {
        string[] distinct = [.. frames.Distinct(StringComparer.Ordinal)];
        return new NamedFrames(distinct.Length, distinct.FirstOrDefault());
    }
}
