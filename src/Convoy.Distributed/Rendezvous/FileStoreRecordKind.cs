namespace Convoy.Distributed.Rendezvous;

/// <summary>What one record of a <see cref="FileStore"/>'s file tells.</summary>
internal enum FileStoreRecordKind : byte
{
    /// <summary>The key has this value.</summary>
    Set = 1,

    /// <summary>The key has none any more.</summary>
    Delete = 2,

    /// <summary>A process opened the store; the key is its generation.</summary>
    Joined = 3,

    /// <summary>A process closed the store; the key is its generation.</summary>
    Left = 4,

    /// <summary>The last process of a generation closed the store: the file is about to be deleted and counts no more.</summary>
    Closed = 5,
}
