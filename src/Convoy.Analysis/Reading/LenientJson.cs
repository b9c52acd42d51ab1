using System.Globalization;
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
            RequireWholeCharacters(text, path);
            return JsonDocument.Parse(Quoted(text), new JsonDocumentOptions { AllowDuplicateProperties = false });
        }
        catch (JsonException error) when (error.Message.Contains("uplicate", StringComparison.Ordinal))
        {
            throw new AnalysisInputException("a name occurs twice in one object", $"{path}: {error.Message}", "Remove one of the two, or measure again.", error);
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

    // Half of a character in a text is whole JSON, and an error wherever the text is read.
    private static void RequireWholeCharacters(string text, string path)
    {
        for (int at = text.IndexOf("\\u", StringComparison.Ordinal); at >= 0; at = text.IndexOf("\\u", at + 2, StringComparison.Ordinal))
        {
            if (IsEscaped(text, at) || Escaped(text, at) is not { } unit || !char.IsSurrogate(unit))
            {
                continue;
            }

            if (char.IsLowSurrogate(unit) || Escaped(text, at + 6) is not { } next || !char.IsLowSurrogate(next))
            {
                throw new AnalysisInputException(
                    "a text holds half of a character",
                    FormattableString.Invariant($"{text.Substring(at, 6)}, {path}, line {1 + text.AsSpan(0, at).Count('\n')}"),
                    "Write the whole character, or measure again.");
            }

            at += 6;
        }
    }

    // Behind an odd number of backslashes: the last of them stands for one itself.
    private static bool IsEscaped(string text, int at)
    {
        int before = at;
        while (before > 0 && text[before - 1] == '\\')
        {
            before--;
        }

        return (at - before) % 2 == 1;
    }

    private static char? Escaped(string text, int at) =>
        at + 6 <= text.Length && text[at] == '\\' && text[at + 1] == 'u' && ushort.TryParse(text.AsSpan(at + 2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort unit)
            ? (char)unit
            : null;

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
