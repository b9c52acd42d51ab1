using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Convoy.Lanes.Data;

/// <summary>
/// A text file of JSON objects: one a line, as TuSimple's files have them, several on a line, several lines an object, or
/// all in one list.
/// </summary>
internal sealed class JsonObjectFile
{
    private readonly TextOfFile _text;
    private readonly string _noun;
    private int _at;
    private Inside _inside;

    private JsonObjectFile(TextOfFile text, string noun)
    {
        _text = text;
        _noun = noun;
    }

    private enum Inside
    {
        /// <summary>No list: an object or a list may come.</summary>
        Nothing,

        /// <summary>A list that has just begun: an object or its end may come.</summary>
        EmptyList,

        /// <summary>A list behind an object: a comma or its end may come.</summary>
        ListAfterObject,

        /// <summary>A list behind a comma: an object must come.</summary>
        ListAfterComma,
    }

    /// <summary>The objects of a file in their order, each with the line that it starts on, from 1. A value is valid until the next one is asked for.</summary>
    /// <param name="path">The file.</param>
    /// <param name="noun">What an object is, for errors: <c>label</c>.</param>
    /// <exception cref="BadInputException">The file can't be read, or what stands in it is no JSON object; the message names the line.</exception>
    public static IEnumerable<(JsonElement Value, int Line)> Read(string path, string noun)
    {
        var file = new JsonObjectFile(TextOfFile.Read(path, noun), noun);
        int line = 1;
        int counted = 0;
        while (file.FindObject())
        {
            int start = file._at;
            line += file._text.Bytes[counted..start].Count((byte)'\n');
            counted = start;
            using JsonDocument document = file.Parse();
            yield return (document.RootElement, line);
        }
    }

    /// <summary>The error for the <see cref="InvalidOperationException"/> of an object whose values are asked for their kind first: what is left is a text that Unicode does not know.</summary>
    /// <param name="place">Where the object stands.</param>
    /// <param name="error">What was thrown.</param>
    public static BadInputException HalfCharacter(string place, InvalidOperationException error) =>
        new("a text holds half of a character, an escape \\uD800 to \\uDFFF by itself", place, "Write the whole character.", error);

    /// <summary>Goes to where the next object starts; false at the end of the file.</summary>
    private bool FindObject()
    {
        for (SkipSpace(); _at < _text.Bytes.Length; SkipSpace())
        {
            byte next = _text.Bytes[_at];
            if (next == '{' && _inside != Inside.ListAfterObject)
            {
                _inside = _inside == Inside.Nothing ? Inside.Nothing : Inside.ListAfterObject;
                return true;
            }

            _inside = (next, _inside) switch
            {
                ((byte)'[', Inside.Nothing) => Inside.EmptyList,
                ((byte)']', Inside.EmptyList or Inside.ListAfterObject) => Inside.Nothing,
                ((byte)',', Inside.ListAfterObject) => Inside.ListAfterComma,
                _ => throw NoObject(),
            };
            _at++;
        }

        return _inside != Inside.Nothing
            ? throw new BadInputException($"the list of {_noun}s is not closed: the file ends in it", _text.Place(_text.Bytes.Length), "Restore its end from the original file, or write a ] there.")
            : false;
    }

    private JsonDocument Parse()
    {
        ReadOnlySpan<byte> rest = _text.Bytes[_at..];
        int lineEnd = rest.IndexOf((byte)'\n');
        ReadOnlySpan<byte> line = lineEnd < 0 ? rest : rest[..lineEnd];
        if (TryParse(line, isWhole: lineEnd < 0) is { } document)
        {
            return document;
        }

        // No part of a label starts with a brace, so where the next line does, this one lost its end.
        if (rest[line.Length..].TrimStart(" \t\r\n"u8) is [(byte)'{', ..])
        {
            throw CutOff("its line");
        }

        return TryParse(rest, isWhole: true)!;
    }

    /// <summary>Parses the object at the start of <paramref name="json"/> and goes behind it; null where it is not whole and more of it may come.</summary>
    private JsonDocument? TryParse(ReadOnlySpan<byte> json, bool isWhole)
    {
        var reader = new Utf8JsonReader(json, isWhole, state: default);
        try
        {
            if (JsonDocument.TryParseValue(ref reader, out JsonDocument? document))
            {
                _at += (int)reader.BytesConsumed;
                return document;
            }

            return null;
        }
        catch (JsonException error)
        {
            int at = _at + OffsetOf(error, json);
            throw isWhole && at >= _at + json.TrimEnd(" \t\r\n"u8).Length ? CutOff("the file") : new JsonFault(_text, at).Explain(_noun, error);
        }
    }

    private static int OffsetOf(JsonException error, ReadOnlySpan<byte> json)
    {
        int at = 0;
        for (long line = error.LineNumber ?? 0; line > 0 && json[at..].Contains((byte)'\n'); line--)
        {
            at += json[at..].IndexOf((byte)'\n') + 1;
        }

        return (int)Math.Min(json.Length, at + (error.BytePositionInLine ?? 0));
    }

    private BadInputException CutOff(string what) => new(
        $"a {_noun} is not valid JSON: {what} ends in the middle of it, so it may be cut off",
        PlaceOfLine(),
        "Restore the line from the original file or delete it.");

    private BadInputException NoObject()
    {
        var fault = new JsonFault(_text, _at);
        return (_text.Bytes[_at], _inside) switch
        {
            ((byte)',', Inside.Nothing) => new BadInputException($"a comma stands between {_noun}s that are in no list", _text.Place(_at), $"Remove it, or put all {_noun}s into [ and ]."),
            ((byte)'{', _) => new BadInputException($"no comma stands between two {_noun}s of a list", _text.Place(_at), $"Write one there, or one {_noun} a line without [ and ]."),
            _ => new BadInputException($"a {_noun} line is not a JSON object: {fault.Found}", PlaceOfLine(), "Give one JSON object a line, or a list of them."),
        };
    }

    private string PlaceOfLine() => string.Create(CultureInfo.InvariantCulture, $"{_text.Path}, line {_text.LineOf(_at)}");

    // Files that were put together from several have byte order marks inside.
    private void SkipSpace()
    {
        ReadOnlySpan<byte> rest;
        do
        {
            rest = _text.Bytes[_at..].TrimStart(" \t\r\n"u8);
            _at = _text.Bytes.Length - rest.Length + (rest.StartsWith("\uFEFF"u8) ? 3 : 0);
        }
        while (rest.StartsWith("\uFEFF"u8));
    }
}

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
