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
