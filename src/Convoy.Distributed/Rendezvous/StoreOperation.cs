namespace Convoy.Distributed.Rendezvous;

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
