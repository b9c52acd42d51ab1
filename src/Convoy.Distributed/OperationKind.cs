namespace Convoy.Distributed;

/// <summary>What processes of a <see cref="ProcessGroup"/> do together.</summary>
public enum OperationKind
{
    /// <summary><see cref="ProcessGroup.Barrier"/>.</summary>
    Barrier,

    /// <summary><see cref="ProcessGroup.AllReduce"/>.</summary>
    AllReduce,

    /// <summary><see cref="ProcessGroup.Broadcast"/>.</summary>
    Broadcast,

    /// <summary><see cref="ProcessGroup.Reduce"/>.</summary>
    Reduce,

    /// <summary><see cref="ProcessGroup.AllGather"/>.</summary>
    AllGather,

    /// <summary><see cref="ProcessGroup.Gather"/>.</summary>
    Gather,

    /// <summary><see cref="ProcessGroup.Scatter"/>.</summary>
    Scatter,

    /// <summary><see cref="ProcessGroup.ReduceScatter"/>.</summary>
    ReduceScatter,

    /// <summary><see cref="ProcessGroup.AllToAll"/>.</summary>
    AllToAll,

    /// <summary><see cref="ProcessGroup.Send"/>.</summary>
    Send,

    /// <summary><see cref="ProcessGroup.Receive"/>.</summary>
    Receive,

    /// <summary><see cref="ProcessGroup.AllocateBuffer"/>.</summary>
    AllocateBuffer,

    /// <summary><see cref="ProcessGroup.NewGroup"/>.</summary>
    NewGroup,

    /// <summary><see cref="ProcessGroup.AllocateShared"/>.</summary>
    AllocateShared,
}
