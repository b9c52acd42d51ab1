using static TorchSharp.torch;

namespace Convoy.Distributed.Tests;

public class ReduceOpsTests
{
    private static readonly ScalarType[] Floating = [ScalarType.Float16, ScalarType.BFloat16, ScalarType.Float32, ScalarType.Float64];
    private static readonly ScalarType[] Integral = [ScalarType.Byte, ScalarType.Int8, ScalarType.Int16, ScalarType.Int32, ScalarType.Int64, ScalarType.Bool];

    [Fact]
    public void Supports_EveryPair_IsAsDocumented()
    {
        foreach (ScalarType dtype in Enum.GetValues<ScalarType>())
        {
            foreach (ReduceOp op in Enum.GetValues<ReduceOp>())
            {
                bool isBitwise = op is ReduceOp.BitwiseAnd or ReduceOp.BitwiseOr or ReduceOp.BitwiseXor;
                bool expected = (Floating.Contains(dtype) && !isBitwise) || (Integral.Contains(dtype) && op != ReduceOp.Average);
                Assert.True(expected == ReduceOps.Supports(dtype, op), $"{op} of {dtype}");
            }
        }
    }

    [Theory]
    [InlineData(ScalarType.Int32)]
    [InlineData(ScalarType.Float32)]
    public void Supports_NoOperation_IsFalse(ScalarType dtype) => Assert.False(ReduceOps.Supports(dtype, (ReduceOp)99));
}
