using System.Buffers.Binary;
using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Torch.Serialization;

/// <summary>
/// Reads and writes safetensors files, which PyTorch users exchange: 8 bytes with the header's length, a JSON header
/// with each tensor's dtype, shape and place, then the values. Source: the safetensors format description.
/// </summary>
public static class SafetensorsFile
{
    // No header of a real model comes near this; a file that claims more is not a safetensors file.
    private const long LongestHeader = 100_000_000;

    /// <summary>Writes <paramref name="tensors"/> in order of name, so that the same values give the same bytes, and flushes them to the disk.</summary>
    /// <param name="path">The file; replaced when it exists.</param>
    /// <param name="tensors">CPU tensors by name, of any shape and memory format.</param>
    /// <param name="metadata">Texts for the header's <c>__metadata__</c>, or null.</param>
    /// <exception cref="NotSupportedException">A tensor's dtype has no name in the format.</exception>
    public static void Write(string path, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        KeyValuePair<string, Tensor>[] ordered = [.. tensors.OrderBy(pair => pair.Key, StringComparer.Ordinal)];
        byte[] header = Header(ordered, metadata);
        using FileStream stream = File.Create(path);
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        stream.Write(length);
        stream.Write(header);
        foreach ((_, Tensor tensor) in ordered)
        {
            if (tensor.numel() > 0)
            {
                using Tensor detached = tensor.detach();
                using Tensor values = detached.contiguous();
                stream.Write(values.bytes);
            }
        }

        stream.Flush(flushToDisk: true);
    }

    /// <summary>Reads every tensor of <paramref name="path"/>. The caller disposes of them.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The tensors by name.</returns>
    /// <exception cref="SafetensorsException">The file is missing, cut off, or no safetensors file; or a tensor is of a type that TorchSharp has not.</exception>
    public static Dictionary<string, Tensor> Read(string path)
    {
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        try
        {
            ReadLayout(path, (stream, place) =>
            {
                Tensor tensor = empty(place.Shape, place.Type);
                tensors.Add(place.Name, tensor);
                if (place.Bytes > 0)
                {
                    stream.ReadExactly(tensor.bytes);
                }
            });
            return tensors;
        }
        catch
        {
            foreach (Tensor tensor in tensors.Values)
            {
                tensor.Dispose();
            }

            throw;
        }
    }

    /// <summary>The texts of the header's <c>__metadata__</c>; none where it has no such entry.</summary>
    /// <param name="path">The file. The values are not looked at.</param>
    /// <exception cref="SafetensorsException">The file is missing, or no safetensors file.</exception>
    public static IReadOnlyDictionary<string, string> ReadMetadata(string path)
    {
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        Open(path, (_, header) =>
        {
            foreach (JsonProperty entry in header.TryGetProperty("__metadata__", out JsonElement metadata) ? metadata.EnumerateObject() : default)
            {
                texts[entry.Name] = entry.Value.GetString() ?? throw new FormatException("a text of the header is null");
            }
        });
        return texts;
    }

    /// <summary>What is wrong with a file whose header and length do not fit each other; null when they do. The values are not looked at.</summary>
    /// <param name="path">The file.</param>
    public static string? FindFault(string path)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            ReadLayout(path, (stream, place) =>
            {
                stream.Position += place.Bytes;
                if (!names.Add(place.Name))
                {
                    throw new FormatException("a name stands there twice");
                }
            });
            return null;
        }
        catch (SafetensorsException)
        {
            return "not a whole safetensors file";
        }
    }

    private static void ReadLayout(string path, Action<FileStream, Place> take) => Open(path, (stream, header) =>
    {
        long dataStart = stream.Position;
        IEnumerable<JsonProperty> entries = header.EnumerateObject().Where(entry => entry.Name != "__metadata__");
        foreach (JsonProperty entry in entries.OrderBy(entry => Offset(entry.Value, 0)).ThenBy(entry => Offset(entry.Value, 1)))
        {
            take(stream, PlaceOf(entry.Name, entry.Value, stream, dataStart, path));
        }

        if (stream.Position != stream.Length)
        {
            throw new FormatException("values follow that belong to no tensor");
        }
    });

    private static void Open(string path, Action<FileStream, JsonElement> read)
    {
        if (!File.Exists(path))
        {
            throw new SafetensorsException("no such file", path, "Give a .safetensors file.");
        }

        try
        {
            using FileStream stream = File.OpenRead(path);
            using JsonDocument header = ReadHeader(stream);
            read(stream, header.RootElement);
        }
        catch (Exception error) when (error is JsonException or EndOfStreamException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException)
        {
            throw ForeignWeightsFile.Recognize(path) is { } foreign
                ? new SafetensorsException($"not a safetensors file but {foreign.Kind}", path, foreign.Remedy, error)
                : new SafetensorsException("not a whole safetensors file", path, "Save the checkpoint again, or give another file.", error);
        }
    }

    private static byte[] Header(KeyValuePair<string, Tensor>[] tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata is not null)
            {
                json.WriteStartObject("__metadata__");
                foreach ((string key, string value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                {
                    json.WriteString(key, value);
                }

                json.WriteEndObject();
            }

            long offset = 0;
            foreach ((string name, Tensor tensor) in tensors)
            {
                long end = offset + (tensor.numel() * tensor.element_size());
                json.WriteStartObject(name);
                json.WriteString("dtype", SafetensorsDtype.Name(tensor.dtype));
                WriteArray(json, "shape", tensor.shape);
                WriteArray(json, "data_offsets", [offset, end]);
                json.WriteEndObject();
                offset = end;
            }

            json.WriteEndObject();
        }

        // The format asks for values aligned to 8 bytes; spaces after the JSON fill up.
        while (buffer.Length % 8 != 0)
        {
            buffer.WriteByte((byte)' ');
        }

        return buffer.ToArray();
    }

    private static void WriteArray(Utf8JsonWriter json, string name, ReadOnlySpan<long> values)
    {
        json.WriteStartArray(name);
        foreach (long value in values)
        {
            json.WriteNumberValue(value);
        }

        json.WriteEndArray();
    }

    private static JsonDocument ReadHeader(FileStream stream)
    {
        Span<byte> prefix = stackalloc byte[8];
        stream.ReadExactly(prefix);
        long length = BinaryPrimitives.ReadInt64LittleEndian(prefix);
        if (length is <= 0 or > LongestHeader || length > stream.Length - 8)
        {
            throw new FormatException("the header's length is out of range");
        }

        byte[] text = new byte[length];
        stream.ReadExactly(text);
        return JsonDocument.Parse(text);
    }

    // The format has no gaps and no overlaps: each tensor starts where the one before ends, and the last ends the file.
    // A header whose length is wrong by a few spaces would otherwise shift every value.
    private static Place PlaceOf(string name, JsonElement entry, FileStream stream, long dataStart, string path)
    {
        string? typeName = entry.GetProperty("dtype").GetString();
        if (SafetensorsDtype.IsKnownButMissing(typeName))
        {
            throw new SafetensorsException($"the tensor {name} has a type that is not read here, {typeName}", path, $"Save it as {SafetensorsDtype.FloatNames}.");
        }

        ScalarType dtype = SafetensorsDtype.Parse(typeName);
        long[] shape = [.. entry.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
        long from = Offset(entry, 0), to = Offset(entry, 1);
        return shape.Any(size => size < 0) || from != stream.Position - dataStart || to < from || to > stream.Length - dataStart || to - from != Bytes(shape, dtype)
            ? throw new FormatException("a tensor lies outside the file or its shape does not fit its bytes")
            : new Place(name, dtype, shape, to - from);
    }

    private static long Bytes(long[] shape, ScalarType dtype)
    {
        try
        {
            // torch's strides count a size of 0 as 1, so such a shape can overflow too.
            long bytes = shape.Aggregate((long)dtype.ElementSize(), (product, size) => checked(product * Math.Max(1, size)));
            return shape.Contains(0) ? 0 : bytes;
        }
        catch (OverflowException error)
        {
            throw new FormatException("a tensor's shape is out of range", error);
        }
    }

    private static long Offset(JsonElement entry, int which)
    {
        JsonElement offsets = entry.GetProperty("data_offsets");
        return offsets.GetArrayLength() == 2 ? offsets[which].GetInt64() : throw new FormatException("data_offsets are not two numbers");
    }

    private readonly record struct Place(string Name, ScalarType Type, long[] Shape, long Bytes);
}

/// <summary>The safetensors names of dtypes.</summary>
public static class SafetensorsDtype
{
    private static readonly (string Name, ScalarType Type)[] Names =
    [
        ("F32", ScalarType.Float32), ("F64", ScalarType.Float64), ("F16", ScalarType.Float16), ("BF16", ScalarType.BFloat16),
        ("I64", ScalarType.Int64), ("I32", ScalarType.Int32), ("I16", ScalarType.Int16), ("I8", ScalarType.Int8),
        ("U8", ScalarType.Byte), ("BOOL", ScalarType.Bool),
    ];

    // Of the format's description; TorchSharp has no such tensors.
    private static readonly string[] Missing =
        ["U16", "U32", "U64", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "F6_E2M3", "F6_E3M2", "F4", "C64"];

    /// <summary>The floating-point types that are read, for a message.</summary>
    public const string FloatNames = "F32, F16, BF16 or F64";

    /// <summary>Whether <paramref name="name"/> is a type of the format that cannot be read here.</summary>
    /// <param name="name">The name.</param>
    public static bool IsKnownButMissing(string? name) => Missing.Contains(name);

    /// <summary>The format's name of <paramref name="type"/>.</summary>
    /// <param name="type">The dtype.</param>
    /// <exception cref="NotSupportedException">The format has none.</exception>
    public static string Name(ScalarType type)
    {
        int at = Array.FindIndex(Names, entry => entry.Type == type);
        return at >= 0 ? Names[at].Name : throw new NotSupportedException($"safetensors has no name for the dtype {type}");
    }

    /// <summary>The dtype that the format calls <paramref name="name"/>.</summary>
    /// <param name="name">The name.</param>
    /// <exception cref="FormatException">There is no such dtype.</exception>
    public static ScalarType Parse(string? name)
    {
        int at = Array.FindIndex(Names, entry => entry.Name == name);
        return at >= 0 ? Names[at].Type : throw new FormatException($"unknown dtype {name}");
    }
}

/// <summary>A file is missing, or is no whole safetensors file. The message is one line: <c>WHAT (path). WHAT TO DO</c>.</summary>
public sealed class SafetensorsException : Exception
{
    /// <summary>An error about a file.</summary>
    /// <param name="fault">What is wrong, without the path and without a full stop.</param>
    /// <param name="path">The file.</param>
    /// <param name="remedy">What to do about it: one sentence with its full stop.</param>
    /// <param name="inner">The error that this one explains, if any.</param>
    public SafetensorsException(string fault, string path, string remedy, Exception? inner = null)
        : base($"{fault} ({path}). {remedy}", inner) => (Fault, Path, Remedy) = (fault, path, remedy);

    /// <summary>What is wrong, without the path and without a full stop.</summary>
    public string Fault { get; }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>What to do about it: one sentence with its full stop.</summary>
    public string Remedy { get; }
}
