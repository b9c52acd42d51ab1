using System.Text;

namespace Convoy.Distributed.Rendezvous;

/// <summary>The server's answer to one request.</summary>
internal sealed record StoreReply(StoreStatus Status, byte[] Payload)
{
    public static StoreReply Done(byte[] payload) => new(StoreStatus.Done, payload);

    public static StoreReply TimedOut(IEnumerable<string> missingKeys) => new(StoreStatus.TimedOut, Encoding.UTF8.GetBytes(string.Join('\n', missingKeys)));

    public static StoreReply Refused(string reason) => new(StoreStatus.Refused, Encoding.UTF8.GetBytes(reason));

    public string Text => Encoding.UTF8.GetString(Payload);

    public byte[] ToBytes() => [(byte)Status, .. Payload];

    /// <exception cref="InvalidDataException">The bytes are no reply.</exception>
    public static StoreReply FromBytes(byte[] bytes) => bytes.Length >= 1 && bytes[0] <= (byte)StoreStatus.Refused
        ? new StoreReply((StoreStatus)bytes[0], bytes[1..])
        : throw new InvalidDataException("a reply that is none of the store's");
}
