namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>The operations.</summary>
internal enum CollectiveKind
{
    Barrier,
    AllReduce,
    Broadcast,
    AllGather,
    AllocateBuffer,
}
