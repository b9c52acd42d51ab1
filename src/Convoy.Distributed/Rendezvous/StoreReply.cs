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
