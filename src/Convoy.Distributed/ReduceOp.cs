using static TorchSharp.torch;

namespace Convoy.Distributed;

/// <summary>
/// How <see cref="ProcessGroup.AllReduce"/> and its siblings combine the elements of all ranks, in the order of the ranks; the
/// members are PyTorch's <c>torch.distributed.ReduceOp</c>.
/// </summary>
/// <remarks>
/// Element types: float32, float64, float16, bfloat16, int8, int16, int32, int64, uint8 and bool. float16 and bfloat16 are
/// combined in float32 over all ranks and rounded once at the end, to the nearest, ties to even; over several hosts (<see cref="Backends.Hierarchical.ProcessGroupHierarchical"/>) once inside each host and once
/// between hosts. Integers wrap around. bool is
/// reduced as PyTorch's NCCL backend does it, which never leaves a byte other than 0 or 1: <see cref="Sum"/> and
/// <see cref="Max"/> give "any", <see cref="Product"/> and <see cref="Min"/> "all". (Its Gloo backend adds the bytes.)
/// </remarks>
public enum ReduceOp
{
    /// <summary>The sum (PyTorch's SUM); every element type. bool: whether any is true.</summary>
    Sum,

    /// <summary>The sum divided by the number of ranks (PyTorch's AVG); floating-point types only.</summary>
    Average,

    /// <summary>The product (PyTorch's PRODUCT); every element type. bool: whether all are true.</summary>
    Product,

    /// <summary>The least, NaN when one is NaN (PyTorch's MIN); every element type. bool: whether all are true.</summary>
    Min,

    /// <summary>The greatest, NaN when one is NaN (PyTorch's MAX); every element type. bool: whether any is true.</summary>
    Max,

    /// <summary>The bits that all have (PyTorch's BAND); integers and bool only. bool: whether all are true.</summary>
    BitwiseAnd,

    /// <summary>The bits that any has (PyTorch's BOR); integers and bool only. bool: whether any is true.</summary>
    BitwiseOr,

    /// <summary>The bits that an odd number of ranks has (PyTorch's BXOR); integers and bool only. bool: whether an odd number is true.</summary>
    BitwiseXor,
}

/// <summary>Which element types go with which <see cref="ReduceOp"/>.</summary>
internal static class ReduceOps
{
    /// <summary>Whether tensors of <paramref name="dtype"/> can be combined with <paramref name="op"/>.</summary>
    public static bool Supports(ScalarType dtype, ReduceOp op) => dtype switch
    {
        ScalarType.Float32 or ScalarType.Float64 or ScalarType.Float16 or ScalarType.BFloat16 =>
            op is ReduceOp.Sum or ReduceOp.Average or ReduceOp.Product or ReduceOp.Min or ReduceOp.Max,
        ScalarType.Byte or ScalarType.Int8 or ScalarType.Int16 or ScalarType.Int32 or ScalarType.Int64 or ScalarType.Bool =>
            op != ReduceOp.Average && Enum.IsDefined(op),
        _ => false,
    };

    /// <summary>Which types to convert to.</summary>
    public static string Remedy(ReduceOp op) => op switch
    {
        ReduceOp.Average => "Convert them to a floating-point type (float16 to float64) first.",
        ReduceOp.BitwiseAnd or ReduceOp.BitwiseOr or ReduceOp.BitwiseXor => "Convert them to an integer type or bool first.",
        _ => "Convert them to a real floating-point or integer type first.",
    };
}
