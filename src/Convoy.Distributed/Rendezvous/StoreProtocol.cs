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

/// <summary>One request: an operation, its keys, and what the operation needs besides.</summary>
/// <param name="Operation">What to do.</param>
/// <param name="Keys">One key; Wait and Contains take several, CountKeys none.</param>
/// <param name="Value">Set: the value. CompareSet: the expected value and then the desired one.</param>
/// <param name="Number">Add: the amount. Get and Wait: the timeout in milliseconds. CompareSet: the expected value's length.</param>
internal sealed record StoreRequest(StoreOperation Operation, IReadOnlyList<string> Keys, byte[] Value, long Number)
{
    public byte[] Expected => Value[..(int)Number];

    public byte[] Desired => Value[(int)Number..];

    public static StoreRequest CompareSet(string key, ReadOnlySpan<byte> expected, ReadOnlySpan<byte> desired) =>
        new(StoreOperation.CompareSet, [key], [.. expected, .. desired], expected.Length);

    public byte[] ToBytes()
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write((byte)Operation);
        writer.Write(Number);
        writer.Write(Keys.Count);
        foreach (string key in Keys)
        {
            StoreProtocol.WriteKey(writer, key);
        }

        writer.Write(Value);
        return stream.ToArray();
    }

    /// <exception cref="InvalidDataException">The bytes are no request.</exception>
    public static StoreRequest FromBytes(byte[] bytes)
    {
        using var reader = new BinaryReader(new MemoryStream(bytes, writable: false), Encoding.UTF8);
        try
        {
            var operation = (StoreOperation)reader.ReadByte();
            long number = reader.ReadInt64();
            int count = reader.ReadInt32();
            if (!Enum.IsDefined(operation) || !IsCountOf(operation, count))
            {
                throw new InvalidDataException("an unknown operation, or one with a wrong number of keys");
            }

            var keys = new List<string>();
            for (int i = 0; i < count; i++)
            {
                keys.Add(StoreProtocol.ReadKey(reader));
            }

            byte[] value = reader.ReadBytes(bytes.Length);
            return operation == StoreOperation.CompareSet && (number < 0 || number > value.Length)
                ? throw new InvalidDataException("an expected value that is cut short")
                : new StoreRequest(operation, keys, value, number);
        }
        catch (EndOfStreamException error)
        {
            throw new InvalidDataException("a request that is cut short", error);
        }
    }

    private static bool IsCountOf(StoreOperation operation, int count) => operation switch
    {
        StoreOperation.CountKeys => count == 0,
        StoreOperation.Wait or StoreOperation.Contains => count is >= 1 and <= Store.MaximumKeys,
        _ => count == 1,
    };
}

/// <summary>What a client may ask of the server.</summary>
internal enum StoreOperation : byte
{
    Set = 1,
    Get = 2,
    Add = 3,
    Wait = 4,
    CompareSet = 5,
    Delete = 6,
    Contains = 7,
    CountKeys = 8,
}

/// <summary>The server's answer to one request.</summary>
internal sealed record StoreReply(StoreStatus Status, byte[] Payload)
{
    public static StoreReply Done(byte[] payload) => new(StoreStatus.Done, payload);

    public static StoreReply TimedOut(IEnumerable<string> missingKeys) => new(StoreStatus.TimedOut, StoreProtocol.KeysToBytes(missingKeys));

    public static StoreReply Closed(IEnumerable<string> missingKeys) => new(StoreStatus.Closed, StoreProtocol.KeysToBytes(missingKeys));

    public static StoreReply Refused(string reason) => new(StoreStatus.Refused, Encoding.UTF8.GetBytes(reason));

    public string Text => Encoding.UTF8.GetString(Payload);

    /// <summary>The keys that are missing; empty unless that is what the reply says.</summary>
    public IReadOnlyList<string> MissingKeys { get; private init; } = [];

    public byte[] ToBytes() => [(byte)Status, .. Payload];

    /// <exception cref="InvalidDataException">The bytes are no reply.</exception>
    public static StoreReply FromBytes(byte[] bytes)
    {
        if (bytes.Length == 0 || bytes[0] > (byte)StoreStatus.Closed)
        {
            throw new InvalidDataException(bytes.Length == 0 ? "an empty reply" : FormattableString.Invariant($"a reply with the status {bytes[0]}"));
        }

        var reply = new StoreReply((StoreStatus)bytes[0], bytes[1..]);
        return reply.Status is not (StoreStatus.TimedOut or StoreStatus.Closed) ? reply
            : StoreProtocol.KeysFromBytes(reply.Payload) is { Count: > 0 } missing ? reply with { MissingKeys = missing }
            : throw new InvalidDataException("a wait that failed for no key");
    }

    /// <summary>Whether this can be the answer to <paramref name="request"/>.</summary>
    public bool Answers(StoreRequest request) => Status switch
    {
        StoreStatus.Refused => true,
        StoreStatus.TimedOut or StoreStatus.Closed => request.Operation is StoreOperation.Get or StoreOperation.Wait,
        _ => request.Operation switch
        {
            StoreOperation.Get or StoreOperation.CompareSet => Payload.Length <= Store.MaximumValueBytes,
            StoreOperation.Add => Payload.Length == sizeof(long),
            StoreOperation.CountKeys => Payload.Length == sizeof(int),
            StoreOperation.Delete or StoreOperation.Contains => Payload.Length == 1,
            _ => Payload.Length == 0,
        },
    };
}

/// <summary>How the server answered.</summary>
internal enum StoreStatus : byte
{
    /// <summary>Done; the payload is the value (Get, CompareSet), a number (Add: 8 bytes, CountKeys: 4), 1 or 0 (Delete, Contains), or nothing.</summary>
    Done = 0,

    /// <summary>Not in time; the payload is the missing keys, each with its length.</summary>
    TimedOut = 1,

    /// <summary>Refused; the payload says why.</summary>
    Refused = 2,

    /// <summary>The server ends before the keys were set; the payload is the missing keys, each with its length.</summary>
    Closed = 3,
}
