using System.Buffers.Binary;
using System.Text;

namespace Convoy.Distributed.Rendezvous;

/// <summary>
/// What travels between <see cref="TcpStore"/> and <see cref="TcpStoreServer"/>. Every message is a frame: its length (4 bytes,
/// little endian) and that many bytes. A connection opens with <see cref="StoreHandshake"/>; then each request
/// (<see cref="StoreRequest"/>) is answered by one reply (<see cref="StoreReply"/>).
/// </summary>
internal static class StoreProtocol
{
    /// <summary>Longest frame of a client that has shown the secret: two values of 16 MiB (CompareSet) and their key.</summary>
    public const int MaximumFrameBytes = (2 * Store.MaximumValueBytes) + 4096;

    public const int MaximumKeys = 65536;

    // A key that is replaced by another one would be answered under the wrong name.
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static async Task WriteFrameAsync(Stream stream, ReadOnlyMemory<byte> body, CancellationToken stop)
    {
        // One write, so that a frame is one packet where it fits.
        byte[] frame = new byte[4 + body.Length];
        BinaryPrimitives.WriteInt32LittleEndian(frame, body.Length);
        body.CopyTo(frame.AsMemory(4));
        await stream.WriteAsync(frame, stop).ConfigureAwait(false);
    }

    /// <exception cref="InvalidDataException">The frame says that it is longer than <paramref name="maximumBytes"/>.</exception>
    /// <exception cref="EndOfStreamException">The other side closed the connection.</exception>
    public static async Task<byte[]> ReadFrameAsync(Stream stream, int maximumBytes, CancellationToken stop)
    {
        byte[] header = new byte[4];
        await stream.ReadExactlyAsync(header, stop).ConfigureAwait(false);
        int length = BinaryPrimitives.ReadInt32LittleEndian(header);
        if (length < 0 || length > maximumBytes)
        {
            throw new InvalidDataException(FormattableString.Invariant($"a message of {length} bytes, where at most {maximumBytes} are allowed"));
        }

        byte[] body = new byte[length];
        await stream.ReadExactlyAsync(body, stop).ConfigureAwait(false);
        return body;
    }

    public static void WriteKey(BinaryWriter writer, string key)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(key);
        writer.Write(bytes.Length);
        writer.Write(bytes);
    }

    /// <exception cref="InvalidDataException">There is no key of allowed length.</exception>
    /// <exception cref="EndOfStreamException">The key is cut short.</exception>
    public static string ReadKey(BinaryReader reader)
    {
        int length = reader.ReadInt32();
        if (length < 1 || length > Store.MaximumKeyBytes)
        {
            throw new InvalidDataException("wrong length of a key");
        }

        byte[] key = reader.ReadBytes(length);
        try
        {
            return key.Length == length ? Strict.GetString(key) : throw new EndOfStreamException();
        }
        catch (DecoderFallbackException error)
        {
            throw new InvalidDataException("a key that is not UTF-8", error);
        }
    }

    public static byte[] KeysToBytes(IEnumerable<string> keys)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        foreach (string key in keys)
        {
            WriteKey(writer, key);
        }

        return stream.ToArray();
    }

    /// <exception cref="InvalidDataException">The bytes are no list of keys.</exception>
    public static IReadOnlyList<string> KeysFromBytes(byte[] bytes)
    {
        using var stream = new MemoryStream(bytes, writable: false);
        using var reader = new BinaryReader(stream);
        var keys = new List<string>();
        try
        {
            while (stream.Position < stream.Length)
            {
                keys.Add(ReadKey(reader));
            }
        }
        catch (EndOfStreamException error)
        {
            throw new InvalidDataException("a list of keys that is cut short", error);
        }

        return keys;
    }
}
