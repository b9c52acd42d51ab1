namespace Convoy.Distributed;

/// <summary>How reducing operations combine the elements of all ranks, always in the order of the ranks.</summary>
public enum ReduceOp
{
    /// <summary>The sum; integers wrap around, bool: any.</summary>
    Sum,

    /// <summary>The sum divided by the number of ranks; floating-point tensors only.</summary>
    Average,

    /// <summary>The product; integers wrap around, bool: all.</summary>
    Product,

    /// <summary>The least; NaN when one is NaN; bool: all.</summary>
    Min,

    /// <summary>The greatest; NaN when one is NaN; bool: any.</summary>
    Max,

    /// <summary>The bits that are set on all ranks; integers and bool (PyTorch's <c>BAND</c>).</summary>
    BitwiseAnd,

    /// <summary>The bits that are set on any rank; integers and bool (PyTorch's <c>BOR</c>).</summary>
    BitwiseOr,

    /// <summary>The bits that are set on an odd number of ranks; integers and bool (PyTorch's <c>BXOR</c>).</summary>
    BitwiseXor,
}
