namespace Convoy.Distributed.Rendezvous;

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
