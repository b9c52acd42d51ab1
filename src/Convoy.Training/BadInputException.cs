namespace Convoy.Training;

/// <summary>
/// Something that the user gave is wrong: a file, a folder or a setting. The message is one line that says what is wrong, the value, and what
/// to do: <c>PROBLEM (value). REMEDY</c>.
/// </summary>
public sealed class BadInputException : Exception
{
    private const int LongestExcerpt = 60;

    /// <param name="problem">What is wrong, without the value and without a full stop.</param>
    /// <param name="value">The value as the user would recognise it: a path, a number, a line.</param>
    /// <param name="remedy">What to do about it: a sentence with its full stop.</param>
    /// <param name="inner">The error that this one explains, if any.</param>
    public BadInputException(string problem, string value, string remedy, Exception? inner = null)
        : base($"{problem} ({value}). {remedy}", inner)
    {
    }

    /// <param name="message">The whole line, for a value outside its range: <c>--nproc must be at least 1 (got 0).</c></param>
    /// <param name="inner">The error that this one explains, if any.</param>
    public BadInputException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }

    /// <summary>Text of the user's for a message: on one line, and cut to 60 characters when it is longer.</summary>
    public static string Excerpt(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string line = text.ReplaceLineEndings(" ");
        if (line.Length <= LongestExcerpt)
        {
            return line;
        }

        int end = LongestExcerpt - 3;
        return string.Concat(line.AsSpan(0, char.IsHighSurrogate(line[end - 1]) ? end - 1 : end), "...");
    }
}
