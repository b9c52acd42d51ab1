using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Convoy.Lanes.Data;

/// <summary>What stands where a text stops being JSON, and what to write in its place.</summary>
internal readonly struct JsonFault
{
    private const int LongestWord = 40;

    private readonly TextOfFile _text;
    private readonly int _at;

    /// <param name="text">The text.</param>
    /// <param name="at">The byte that is at fault.</param>
    public JsonFault(TextOfFile text, int at)
    {
        _text = text;
        _at = StartOfWord(text.Bytes, Math.Min(at, text.Bytes.Length - 1));
    }

    /// <summary>What stands there: a word or number, else one character.</summary>
    public string Found
    {
        get
        {
            ReadOnlySpan<byte> rest = _text.Bytes[_at..];
            int length = 0;
            while (length < Math.Min(rest.Length, LongestWord) && IsWord(rest[length]))
            {
                length++;
            }

            if (length > 0)
            {
                return Encoding.UTF8.GetString(rest[..length]);
            }

            _ = Rune.DecodeFromUtf8(rest, out Rune rune, out _);
            return Rune.IsControl(rune) || rune.Value == 0xFEFF ? $"the character U+{rune.Value:X4}" : rune.ToString();
        }
    }

    /// <summary>The error, with line and column.</summary>
    /// <param name="noun">What the text holds: <c>label</c>.</param>
    /// <param name="error">What the parser said.</param>
    public BadInputException Explain(string noun, JsonException error)
    {
        (string what, string remedy) = Diagnosis(error);
        return new BadInputException($"a {noun} is not valid JSON: {what}", _text.Place(_at), remedy, error);
    }

    private static bool IsWord(byte value) => char.IsAsciiLetterOrDigit((char)value) || value is (byte)'+' or (byte)'-' or (byte)'.' or (byte)'_';

    private static int StartOfWord(ReadOnlySpan<byte> bytes, int at)
    {
        while (at > 0 && IsWord(bytes[at]) && IsWord(bytes[at - 1]))
        {
            at--;
        }

        return at;
    }

    private (string What, string Remedy) Diagnosis(JsonException error)
    {
        string found = Found;
        byte before = _at > 0 ? _text.Bytes[_at - 1] : (byte)' ';
        return found.TrimStart('+', '-').ToUpperInvariant() switch
        {
            _ when before == '\\' => ($"a backslash before {found} in a text", "Write / in paths, and two backslashes where one is meant."),
            "NAN" or "INFINITY" or "INF" => ($"{found} is no number there", "Write -2 where a lane has no point."),
            "NONE" or "TRUE" or "FALSE" => ($"{found} is written as in Python", "Write the file with json.dumps in place of str or print."),
            "'" => ("a text stands in single quotes", "Write double quotes, as json.dumps does."),
            "/" or "#" => ("a comment, which JSON does not have", "Remove it."),
            "," => ("a comma too many", "Remove it."),
            "]" or "}" when IsBehindComma() => ($"a comma before {found}", "Remove the comma."),
            _ when _text.Bytes[_at] is (byte)'\n' or (byte)'\r' => ("a text is not closed on its line", "Close it with a double quote."),
            _ when error.Message.Contains("depth", StringComparison.OrdinalIgnoreCase) => ("brackets are nested too deep", "Give lanes, h_samples and raw_file."),
            _ when found.StartsWith("the character", StringComparison.Ordinal) => (found, "Remove it, or restore the file."),
            _ => ($"{found} is unexpected there", "Give an object with lanes, h_samples and raw_file as TuSimple's files have them."),
        };
    }

    private bool IsBehindComma() => _text.Bytes[.._at].TrimEnd(" \t\r\n"u8) is [.., (byte)','];
}
