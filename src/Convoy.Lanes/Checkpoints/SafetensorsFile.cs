using System.Buffers.Binary;
using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Lanes.Checkpoints;

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
            using Tensor values = tensor.detach().contiguous();
            stream.Write(values.bytes);
        }

        stream.Flush(flushToDisk: true);
    }

    /// <summary>Reads every tensor of <paramref name="path"/>. The caller disposes of them.</summary>
    /// <exception cref="BadInputException">The file is missing, cut off, or no safetensors file.</exception>
    public static Dictionary<string, Tensor> Read(string path)
    {
        if (!File.Exists(path))
        {
            throw new BadInputException("no such file", path, "Give a .safetensors file.");
        }

        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        try
        {
            using FileStream stream = File.OpenRead(path);
            using JsonDocument header = ReadHeader(stream);
            long start = stream.Position;
            foreach (JsonProperty entry in header.RootElement.EnumerateObject())
            {
                if (entry.Name != "__metadata__")
                {
                    tensors.Add(entry.Name, ReadTensor(stream, start, entry.Value));
                }
            }

            return tensors;
        }
        catch (Exception error) when (error is JsonException or EndOfStreamException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException)
        {
            foreach (Tensor tensor in tensors.Values)
            {
                tensor.Dispose();
            }

            throw new BadInputException("not a whole safetensors file", path, "Save the checkpoint again, or give another file.", error);
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

    private static Tensor ReadTensor(FileStream stream, long start, JsonElement entry)
    {
        ScalarType dtype = SafetensorsDtype.Parse(entry.GetProperty("dtype").GetString());
        long[] shape = [.. entry.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
        long from = entry.GetProperty("data_offsets")[0].GetInt64(), to = entry.GetProperty("data_offsets")[1].GetInt64();
        long bytes = shape.Aggregate((long)dtype.ElementSize(), (product, size) => checked(product * size));
        if (from < 0 || to - from != bytes || start + to > stream.Length || shape.Any(size => size < 0))
        {
            throw new FormatException("a tensor lies outside the file or its shape does not fit its bytes");
        }

        Tensor tensor = empty(shape, dtype);
        stream.Position = start + from;
        stream.ReadExactly(tensor.bytes);
        return tensor;
    }
}
