namespace Convoy.Distributed.ParallelTests.Worker.RandomOperations;

/// <summary>How a tensor of an operation lies in memory.</summary>
internal enum TensorLayout
{
    /// <summary>One dimension, all of its memory.</summary>
    Contiguous,

    /// <summary>One dimension, in the middle of other elements and aligned to nothing.</summary>
    Offset,

    /// <summary>One dimension, with another element between any two.</summary>
    EverySecond,

    /// <summary>Two dimensions, the first one dense.</summary>
    Transposed,

    /// <summary>Two dimensions, with other elements between the rows.</summary>
    Columns,
}
