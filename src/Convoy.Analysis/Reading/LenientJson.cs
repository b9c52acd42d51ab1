using System.Text;
using System.Text.Json;

namespace Convoy.Analysis.Reading;

/// <summary>Parses JSON as Python writes it: with <c>NaN</c>, <c>Infinity</c> and <c>-Infinity</c> as bare words, which the standard does not have.</summary>
internal static class LenientJson
{
    private static readonly string[] Words = ["-Infinity", "Infinity", "NaN"];

    /// <exception cref="AnalysisInputException">The file is empty or no JSON; the message has the line.</exception>
    public static JsonDocument ReadFile(string path)
    {
        string text = File.ReadAllText(path);
        if (string.IsNullOrWhiteSpace(text))
        {
            throw new AnalysisInputException("the file is empty", path, "Leave it out, or measure again.");
        }

        try
        {
            return JsonDocument.Parse(Quoted(text));
        }
        catch (JsonException error)
        {
            throw new AnalysisInputException(
                "the file is not whole JSON",
                FormattableString.Invariant($"{path}, line {error.LineNumber + 1}"),
                "It may have been cut off while it was written: leave it out, or measure again.",
                error);
        }
    }

    // Puts quotes around the words outside strings; line numbers stay what they were.
    private static string Quoted(string text)
    {
        if (!Words.Any(w => text.Contains(w, StringComparison.Ordinal)))
        {
            return text;
        }

        var result = new StringBuilder(text.Length + 64);
        bool inString = false;
        for (int i = 0; i < text.Length; i++)
        {
            if (inString && text[i] == '\\' && i + 1 < text.Length)
            {
                result.Append(text[i++]).Append(text[i]);
            }
            else if (!inString && Words.FirstOrDefault(w => string.CompareOrdinal(text, i, w, 0, w.Length) == 0) is { } word)
            {
                result.Append('"').Append(word).Append('"');
                i += word.Length - 1;
            }
            else
            {
                inString ^= text[i] == '"';
                result.Append(text[i]);
            }
        }

        return result.ToString();
    }
}
