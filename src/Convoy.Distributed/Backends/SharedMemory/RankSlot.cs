using System.Runtime.InteropServices;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>What one rank tells the others about itself.</summary>
[StructLayout(LayoutKind.Sequential, Size = 1024)]
internal struct RankSlot
{
    /// <summary>The number of the last barrier that it arrived at.</summary>
    public int Arrived;

    /// <summary>1 once it left the group in order.</summary>
    public int Left;

    public int ProcessId;

    /// <summary>When its process started; tells it from a later process with the same number. 0: unknown.</summary>
    public long ProcessStart;

    /// <summary>How many operations of the group it had done when it left.</summary>
    public long OperationsWhenLeft;

    /// <summary>What it does: the present operation and the one before, by turns, as others may not have read that yet.</summary>
    public CollectiveCall EvenCall;

    public CollectiveCall OddCall;

    /// <summary>Why it takes part no longer.</summary>
    public FailureNote Failure;
}
