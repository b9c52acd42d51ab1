namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>Makes a group's barrier over the group's memory.</summary>
internal delegate IBarrier BarrierFactory(ControlBlock control, PeerWatch watch, int rank, int size);
