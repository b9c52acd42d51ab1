using System.Runtime.ExceptionServices;

namespace Convoy.Lanes.Data;

/// <summary>A batch on its way: its memory, how many frames it still waits for, and what went wrong.</summary>
internal sealed class BatchSlot(BatchBuffer buffer, int remaining)
{
    /// <summary>The memory, until the consumer takes it.</summary>
    public BatchBuffer? Buffer { get; set; } = buffer;

    /// <summary>Frames that are not prepared yet.</summary>
    public int Remaining { get; set; } = remaining;

    /// <summary>The error of the first frame that failed.</summary>
    public ExceptionDispatchInfo? Failure { get; set; }

    /// <summary>The place of that frame in the batch.</summary>
    public int FailedPlace { get; set; }
}
