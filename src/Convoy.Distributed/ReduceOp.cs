namespace Convoy.Distributed;

/// <summary>How <see cref="ProcessGroup.AllReduce"/> combines the elements of all ranks.</summary>
public enum ReduceOp
{
    /// <summary>The sum, added in the order of the ranks.</summary>
    Sum,

    /// <summary>The sum divided by the number of ranks; floating-point tensors only.</summary>
    Average,

    /// <summary>The least; NaN when one is NaN.</summary>
    Min,

    /// <summary>The greatest; NaN when one is NaN.</summary>
    Max,
}
