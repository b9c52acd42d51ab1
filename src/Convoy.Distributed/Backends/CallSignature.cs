using static TorchSharp.torch;

namespace Convoy.Distributed.Backends;

/// <summary>The part of an <see cref="Operation"/> that has to be the same on all ranks, as numbers that ranks give each other to compare. Sizes must agree, shapes need not.</summary>
/// <param name="Kind">Which operation.</param>
/// <param name="ElementType">The tensors' type; <see cref="None"/> where there are none.</param>
/// <param name="Count">The number of elements; 0 where they may differ.</param>
/// <param name="Op">The <see cref="ReduceOp"/>, or <see cref="None"/>.</param>
/// <param name="Root">The root, or <see cref="None"/>.</param>
internal readonly record struct CallSignature(OperationKind Kind, int ElementType, long Count, int Op, int Root)
{
    private const int None = -1;

    public CallSignature(Operation operation)
        : this(
            operation.Kind,
            (int?)operation.ElementType ?? None,
            operation.Kind == OperationKind.AllToAll ? 0 : operation.Count,
            (int?)operation.ReduceOp ?? None,
            operation.Peer ?? None)
    {
    }

    /// <summary>For example <c>AllReduce([5] Float32, Sum)</c>.</summary>
    public override string ToString()
    {
        ScalarType? type = ElementType == None ? null : (ScalarType)ElementType;
        return new Operation(Kind, type, [Count], Op == None ? null : (ReduceOp)Op, Root == None ? null : Root).Signature;
    }
}
