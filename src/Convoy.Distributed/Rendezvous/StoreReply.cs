using System.Text;

namespace Convoy.Distributed.Rendezvous;

/// <summary>How the server answered.</summary>
internal enum StoreStatus : byte
{
    /// <summary>Done; the payload is the value (Get), the new number's digits (Add), or nothing.</summary>
    Done = 0,

    /// <summary>Not in time; the payload is the missing keys, one a line.</summary>
    TimedOut = 1,

    /// <summary>Refused; the payload says why.</summary>
    Refused = 2,
}

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
