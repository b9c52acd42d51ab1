using System.Globalization;
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
