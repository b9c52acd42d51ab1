using System.Text;

namespace Convoy.Distributed.Rendezvous;

/// <summary>The server's answer to one request.</summary>
internal sealed record StoreReply(StoreStatus Status, byte[] Payload)
{
    public static StoreReply Done(byte[] payload) => new(StoreStatus.Done, payload);

    public static StoreReply TimedOut(IEnumerable<string> missingKeys) => new(StoreStatus.TimedOut, StoreProtocol.KeysToBytes(missingKeys));

    public static StoreReply Closed(IEnumerable<string> missingKeys) => new(StoreStatus.Closed, StoreProtocol.KeysToBytes(missingKeys));

    public static StoreReply Refused(string reason) => new(StoreStatus.Refused, Encoding.UTF8.GetBytes(reason));

    public string Text => Encoding.UTF8.GetString(Payload);

    /// <exception cref="InvalidDataException">The payload is no list of keys.</exception>
    public IReadOnlyList<string> MissingKeys => StoreProtocol.KeysFromBytes(Payload);

    public byte[] ToBytes() => [(byte)Status, .. Payload];

    /// <exception cref="InvalidDataException">The bytes are no reply.</exception>
    public static StoreReply FromBytes(byte[] bytes) => bytes.Length >= 1 && bytes[0] <= (byte)StoreStatus.Closed
        ? new StoreReply((StoreStatus)bytes[0], bytes[1..])
        : throw new InvalidDataException("a reply that is none of the store's");
}
