using System.Text;

namespace Convoy.Distributed.Rendezvous;

/// <summary>One request: an operation, its keys (one, but for Wait), and what the operation needs besides.</summary>
/// <param name="Operation">What to do.</param>
/// <param name="Keys">The keys; only Wait takes more than one.</param>
/// <param name="Value">Set: the value.</param>
/// <param name="Number">Add: the amount. Get and Wait: the time-out in milliseconds.</param>
internal sealed record StoreRequest(StoreOperation Operation, IReadOnlyList<string> Keys, byte[] Value, long Number)
{
    public byte[] ToBytes()
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write((byte)Operation);
        writer.Write(Number);
        writer.Write(Keys.Count);
        foreach (string key in Keys)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(key);
            writer.Write(bytes.Length);
            writer.Write(bytes);
        }

        writer.Write(Value);
        return stream.ToArray();
    }

    /// <exception cref="InvalidDataException">The bytes are no request.</exception>
    public static StoreRequest FromBytes(byte[] bytes)
    {
        using var reader = new BinaryReader(new MemoryStream(bytes, writable: false));
        try
        {
            var operation = (StoreOperation)reader.ReadByte();
            if (!Enum.IsDefined(operation))
            {
                throw new InvalidDataException("unknown operation");
            }

            long number = reader.ReadInt64();
            int count = reader.ReadInt32();
            if (count < 1 || count > StoreProtocol.MaximumKeys || (count > 1 && operation != StoreOperation.Wait))
            {
                throw new InvalidDataException("wrong number of keys");
            }

            var keys = new List<string>();
            for (int i = 0; i < count; i++)
            {
                int length = reader.ReadInt32();
                if (length < 1 || length > StoreProtocol.MaximumKeyBytes)
                {
                    throw new InvalidDataException("wrong length of a key");
                }

                byte[] key = reader.ReadBytes(length);
                if (key.Length != length)
                {
                    throw new EndOfStreamException();
                }

                keys.Add(Encoding.UTF8.GetString(key));
            }

            return new StoreRequest(operation, keys, reader.ReadBytes(bytes.Length), number);
        }
        catch (EndOfStreamException error)
        {
            throw new InvalidDataException("a request that is cut short", error);
        }
    }
}
