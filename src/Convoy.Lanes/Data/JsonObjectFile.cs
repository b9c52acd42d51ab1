using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Convoy.Lanes.Data;

/// <summary>
/// A text file of JSON objects: one per line, as in TuSimple's files, several on a line, over several lines, or all in one list.
/// </summary>
internal sealed class JsonObjectFile
{
    private readonly TextOfFile _text;
    private readonly JsonObjectKind _kind;
    private int _at;
    private Inside _inside;

    private JsonObjectFile(TextOfFile text, JsonObjectKind kind)
    {
        _text = text;
        _kind = kind;
    }

    private enum Inside
    {
        /// <summary>Outside a list: an object or a list may follow.</summary>
        Nothing,

        /// <summary>At the start of a list: an object or its end may follow.</summary>
        EmptyList,

        /// <summary>In a list after an object: a comma or its end may follow.</summary>
        ListAfterObject,

        /// <summary>In a list after a comma: an object must follow.</summary>
        ListAfterComma,
    }

    /// <summary>The objects of a file in order, each with the number of its first line, from 1. A value is valid until the next one is asked for.</summary>
    /// <param name="path">The file.</param>
    /// <param name="kind">What an object is, for errors.</param>
    /// <exception cref="BadInputException">The file cannot be read, or contains something other than JSON objects; the message names the line.</exception>
    public static IEnumerable<(JsonElement Value, int Line)> Read(string path, JsonObjectKind kind)
    {
        var file = new JsonObjectFile(TextOfFile.Read(path, kind.Noun), kind);
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

    /// <summary>
    /// What an <see cref="InvalidOperationException"/> of an object means once the kinds of its values are checked: a string that is not valid
    /// Unicode.
    /// </summary>
    /// <param name="place">Where the object is.</param>
    /// <param name="error">The exception.</param>
    public static BadInputException UnpairedSurrogate(string place, InvalidOperationException error) =>
        new("a string contains half of a character, an escape \\uD800 to \\uDFFF by itself", place, "Write the whole character.", error);

    /// <summary>Moves to the start of the next object; false at the end of the file.</summary>
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
            ? throw new BadInputException($"the list of {_kind.Noun}s is not closed before the end of the file", _text.Place(_text.Bytes.Length), "Restore its end from the original file, or add a ] there.")
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

        // Objects contain no objects, so when the next line starts with a brace, this one lost its end.
        if (rest[line.Length..].TrimStart(" \t\r\n"u8) is [(byte)'{', ..])
        {
            throw CutOff("its line");
        }

        return TryParse(rest, isWhole: true)!;
    }

    /// <summary>Parses the object at the start of <paramref name="json"/> and moves past it; null when it is incomplete and more of it may follow.</summary>
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
            throw isWhole && at >= _at + json.TrimEnd(" \t\r\n"u8).Length ? CutOff("the file") : new JsonFault(_text, at).Explain(_kind, error);
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

    private BadInputException CutOff(string unit) => new(
        $"a {_kind.Noun} is not valid JSON: {unit} ends in the middle of it, so it may be cut off",
        PlaceOfLine(),
        "Restore the line from the original file or delete it.");

    private BadInputException NoObject()
    {
        var fault = new JsonFault(_text, _at);
        return (_text.Bytes[_at], _inside) switch
        {
            ((byte)',', Inside.Nothing) => new BadInputException($"a comma separates {_kind.Noun}s that are not in a list", _text.Place(_at), $"Remove it, or enclose all {_kind.Noun}s in [ and ]."),
            ((byte)'{', _) => new BadInputException($"a comma is missing between two {_kind.Noun}s of a list", _text.Place(_at), $"Add it, or write one {_kind.Noun} per line without [ and ]."),
            _ => new BadInputException($"a {_kind.Noun} is not a JSON object: {fault.Found}", PlaceOfLine(), "Give one JSON object per line, or a list of them."),
        };
    }

    private string PlaceOfLine() => string.Create(CultureInfo.InvariantCulture, $"{_text.Path}, line {_text.LineOf(_at)}");

    // Files concatenated from several have byte order marks inside.
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

/// <summary>The objects of a file, for error messages.</summary>
/// <param name="Noun">What an object is: <c>label</c>.</param>
/// <param name="Fields">What it consists of: <c>lanes, h_samples and raw_file</c>.</param>
internal sealed record JsonObjectKind(string Noun, string Fields);

/// <summary>What is found where a text stops being JSON, and what to write instead.</summary>
internal readonly struct JsonFault
{
    private const int LongestWord = 40;

    private readonly TextOfFile _text;
    private readonly int _at;

    /// <param name="text">The text.</param>
    /// <param name="at">The offset of the byte at fault.</param>
    public JsonFault(TextOfFile text, int at)
    {
        _text = text;
        _at = StartOfWord(text.Bytes, Math.Min(at, text.Bytes.Length - 1));
    }

    /// <summary>What is there: a word or number, else one character.</summary>
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
    /// <param name="kind">What the text consists of.</param>
    /// <param name="error">The parser's error.</param>
    public BadInputException Explain(JsonObjectKind kind, JsonException error)
    {
        (string problem, string remedy) = Diagnosis(kind, error);
        return new BadInputException($"a {kind.Noun} is not valid JSON: {problem}", _text.Place(_at), remedy, error);
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

    private (string Problem, string Remedy) Diagnosis(JsonObjectKind kind, JsonException error)
    {
        string found = Found;
        byte before = _at > 0 ? _text.Bytes[_at - 1] : (byte)' ';
        return found.TrimStart('+', '-').ToUpperInvariant() switch
        {
            _ when before == '\\' => ($"a backslash before {found} in a string", "Use / in paths, and two backslashes where one is meant."),
            "NAN" or "INFINITY" or "INF" => ($"{found} is not a number in JSON", "Write -2 where a lane has no point."),
            "NONE" or "TRUE" or "FALSE" => ($"{found} is written as in Python", "Write the file with json.dumps instead of str or print."),
            "'" => ("a string is in single quotes", "Use double quotes, as json.dumps does."),
            "/" or "#" => ("a comment, which JSON does not have", "Remove it."),
            "," => ("there is a comma too many", "Remove it."),
            "]" or "}" when IsBehindComma() => ($"a comma before {found}", "Remove the comma."),
            _ when _text.Bytes[_at] is (byte)'\n' or (byte)'\r' => ("a string is not closed on its line", "Close it with a double quote."),
            _ when error.Message.Contains("depth", StringComparison.OrdinalIgnoreCase) => ("brackets are nested too deeply", $"Give {kind.Fields}."),
            _ when found.StartsWith("the character", StringComparison.Ordinal) => (found, "Remove it, or restore the file."),
            _ => ($"{found} is unexpected", $"Give an object with {kind.Fields}, as in TuSimple's files."),
        };
    }

    private bool IsBehindComma() => _text.Bytes[.._at].TrimEnd(" \t\r\n"u8) is [.., (byte)','];
}
