using static TorchSharp.torch;

namespace Convoy.Distributed;

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
