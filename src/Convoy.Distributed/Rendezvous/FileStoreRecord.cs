using System.Buffers.Binary;
using System.Text;

namespace Convoy.Distributed.Rendezvous;

/// <summary>
/// One record of a <see cref="FileStore"/>'s file: the length of what follows (4 bytes, little endian), the kind, the key's
/// length (2 bytes), the key, the value.
/// </summary>
internal sealed record FileStoreRecord(FileStoreRecordKind Kind, string Key, byte[] Value)
{
    private const int LengthBytes = 4;

    private const int HeadBytes = 3;

    private const int MostBytes = HeadBytes + ushort.MaxValue + Store.MaximumValueBytes;

    public byte[] ToBytes()
    {
        byte[] key = Encoding.UTF8.GetBytes(Key);
        byte[] bytes = new byte[LengthBytes + HeadBytes + key.Length + Value.Length];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, bytes.Length - LengthBytes);
        bytes[LengthBytes] = (byte)Kind;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(LengthBytes + 1), checked((ushort)key.Length));
        key.CopyTo(bytes, LengthBytes + HeadBytes);
        Value.CopyTo(bytes, LengthBytes + HeadBytes + key.Length);
        return bytes;
    }

    /// <summary>Reads the record at the stream's position. Null, and the position as it was, when it is cut short: its writer ended while writing.</summary>
    /// <exception cref="InvalidDataException">The bytes are no record.</exception>
    public static FileStoreRecord? Read(Stream stream)
    {
        long start = stream.Position;
        byte[] length = new byte[LengthBytes];
        if (stream.ReadAtLeast(length, LengthBytes, throwOnEndOfStream: false) == LengthBytes)
        {
            int bytes = BinaryPrimitives.ReadInt32LittleEndian(length);
            if (bytes is < HeadBytes or > MostBytes)
            {
                throw new InvalidDataException(FormattableString.Invariant($"a record of {bytes} bytes"));
            }

            if (stream.Length - stream.Position >= bytes)
            {
                byte[] body = new byte[bytes];
                stream.ReadExactly(body);
                return FromBody(body);
            }
        }

        stream.Position = start;
        return null;
    }

    private static FileStoreRecord FromBody(byte[] body)
    {
        var kind = (FileStoreRecordKind)body[0];
        int keyBytes = BinaryPrimitives.ReadUInt16LittleEndian(body.AsSpan(1));
        return Enum.IsDefined(kind) && HeadBytes + keyBytes <= body.Length
            ? new FileStoreRecord(kind, Encoding.UTF8.GetString(body, HeadBytes, keyBytes), body[(HeadBytes + keyBytes)..])
            : throw new InvalidDataException("a record of an unknown kind");
    }
}
