using System.Text;

namespace Convoy.Distributed.Rendezvous;

/// <summary>One request: an operation, its keys, and what the operation needs besides.</summary>
/// <param name="Operation">What to do.</param>
/// <param name="Keys">One key; Wait and Contains take several, CountKeys none.</param>
/// <param name="Value">Set: the value. CompareSet: the expected value and then the desired one.</param>
/// <param name="Number">Add: the amount. Get and Wait: the time-out in milliseconds. CompareSet: the expected value's length.</param>
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
        StoreOperation.Wait or StoreOperation.Contains => count is >= 1 and <= StoreProtocol.MaximumKeys,
        _ => count == 1,
    };
}
