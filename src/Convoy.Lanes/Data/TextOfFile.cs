using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace Convoy.Lanes.Data;

/// <summary>The text of a file as UTF-8 without its byte order mark, with the line and column of each byte.</summary>
internal sealed class TextOfFile
{
    private readonly byte[] _bytes;

    private TextOfFile(string path, byte[] bytes)
    {
        Path = path;
        _bytes = bytes;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The text.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Reads a file of UTF-8, or of UTF-16 with or without a byte order mark.</summary>
    /// <param name="path">The file.</param>
    /// <param name="noun">What it holds, for errors: <c>label</c>.</param>
    /// <exception cref="BadInputException">The file does not exist, cannot be read or is not text in one of these encodings.</exception>
    public static TextOfFile Read(string path, string noun)
    {
        if (!File.Exists(path))
        {
            throw new BadInputException($"the {noun} file does not exist", path, $"Give the path of a TuSimple {noun} file.");
        }

        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException($"the {noun} file cannot be read", path, $"Give a file that you may read: {error.Message}", error);
        }

        var text = new TextOfFile(path, Decoded(bytes, path, noun));
        if (!Utf8.IsValid(text.Bytes))
        {
            int at = FirstInvalid(text.Bytes);
            throw new BadInputException(
                string.Create(CultureInfo.InvariantCulture, $"the {noun} file is not UTF-8 text: byte 0x{text.Bytes[at]:X2}"), text.Place(at), "Save it as UTF-8.");
        }

        return text;
    }

    /// <summary>The line number of a byte, from 1.</summary>
    public int LineOf(int at) => 1 + Bytes[..at].Count((byte)'\n');

    /// <summary>File, line and column of a byte; the column counts characters, both count from 1.</summary>
    public string Place(int at)
    {
        int start = Bytes[..at].LastIndexOf((byte)'\n') + 1;
        int column = 1 + Encoding.UTF8.GetCharCount(Bytes[start..at]);
        return string.Create(CultureInfo.InvariantCulture, $"{Path}, line {LineOf(at)}, column {column}");
    }

    private static byte[] Decoded(byte[] bytes, string path, string noun)
    {
        // JSON begins with an ASCII character, so a 0 beside it reveals UTF-16 even without a byte order mark.
        Encoding? encoding = bytes switch
        {
            [0xFF, 0xFE, ..] or [not 0, 0, not 0, ..] => new UnicodeEncoding(bigEndian: false, byteOrderMark: false, throwOnInvalidBytes: true),
            [0xFE, 0xFF, ..] or [0, not 0, ..] => new UnicodeEncoding(bigEndian: true, byteOrderMark: false, throwOnInvalidBytes: true),
            _ => null,
        };
        if (encoding is null)
        {
            return bytes is [0xEF, 0xBB, 0xBF, ..] ? bytes[3..] : bytes;
        }

        try
        {
            return Encoding.UTF8.GetBytes(encoding.GetString(bytes).TrimStart('\uFEFF'));
        }
        catch (DecoderFallbackException error)
        {
            throw new BadInputException($"the {noun} file looks like UTF-16 text but is not", path, "Save it as UTF-8.", error);
        }
    }

    private static int FirstInvalid(ReadOnlySpan<byte> bytes)
    {
        int at = 0;
        while (Rune.DecodeFromUtf8(bytes[at..], out _, out int length) == System.Buffers.OperationStatus.Done)
        {
            at += length;
        }

        return at;
    }
}
