using System.Text.RegularExpressions;

namespace Convoy.Stress.Mutants;

/// <summary>A fault that a mutant brought out.</summary>
/// <param name="Mutant">Its number; -1 for a sound file.</param>
/// <param name="What">An exception's type, or what else happened.</param>
/// <param name="Frames">Convoy's methods on the stack, the innermost first.</param>
internal sealed partial record Finding(int Mutant, string What, IReadOnlyList<string> Frames)
{
    private const string OwnFrames = "Convoy.Stress.";

    /// <summary>Faults with the same key have the same cause, most likely.</summary>
    public string Key => Frames.Count == 0 ? What : $"{What} at {string.Join(" < ", Frames)}";

    /// <summary>The fault that an exception is.</summary>
    /// <param name="mutant">The mutant.</param>
    /// <param name="error">An exception as text, with its stack.</param>
    public static Finding OfText(int mutant, string error)
    {
        string first = error.Split('\n', 2)[0];
        return new Finding(mutant, first.Split(':', 2)[0].Trim(), [.. Frame().Matches(error).Select(match => match.Groups["method"].Value).Where(method => !method.StartsWith(OwnFrames, StringComparison.Ordinal))]);
    }

    [GeneratedRegex(@"^ +at (?<method>Convoy\.[^(\[]+)", RegexOptions.Multiline)]
    private static partial Regex Frame();
}
