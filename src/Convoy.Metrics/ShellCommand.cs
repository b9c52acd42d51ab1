namespace Convoy.Metrics;

/// <summary>Command lines as one writes them.</summary>
public static class ShellCommand
{
    private const string PlainMarks = "/._-,:=+@%";

    /// <summary>The words as a line for a POSIX shell, which splits it into the same words: what is not plain stands in quotes.</summary>
    /// <param name="words">The program and its arguments.</param>
    public static string Join(IEnumerable<string> words)
    {
        ArgumentNullException.ThrowIfNull(words);
        return string.Join(' ', words.Select(Quoted));
    }

    private static string Quoted(string word) =>
        word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || PlainMarks.Contains(c, StringComparison.Ordinal)) ? word : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
