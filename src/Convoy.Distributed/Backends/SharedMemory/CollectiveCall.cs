using static TorchSharp.torch;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>What a rank calls, so that the others can see whether they call the same. It lies in shared memory.</summary>
/// <param name="Kind">Which operation.</param>
/// <param name="ElementType">The tensors' type; <see cref="None"/> where there are none.</param>
/// <param name="Count">The number of elements that must agree.</param>
/// <param name="Op">The <see cref="ReduceOp"/>, or <see cref="None"/>.</param>
/// <param name="Root">The root, or <see cref="None"/>.</param>
/// <param name="Buffer">In which of the group's buffers the tensor lies; <see cref="None"/>: in ordinary memory.</param>
/// <param name="Offset">Where in that buffer, in bytes.</param>
internal readonly record struct CollectiveCall(
    OperationKind Kind,
    int ElementType = CollectiveCall.None,
    long Count = 0,
    int Op = CollectiveCall.None,
    int Root = CollectiveCall.None,
    int Buffer = CollectiveCall.None,
    long Offset = CollectiveCall.None)
{
    public const int None = -1;

    public CollectiveCall(OperationKind kind, Tensor tensor, ReduceOp? op = null, int root = None, int buffer = None, long offset = None)
        : this(kind, (int)tensor.dtype, tensor.numel(), op is null ? None : (int)op, root, buffer, offset)
    {
    }

    /// <summary>For example <c>AllReduce(5 x Float32, Sum, buffer 1, offset 64)</c>.</summary>
    public override string ToString()
    {
        List<string> parts = [];
        if (ElementType != None)
        {
            parts.Add(FormattableString.Invariant($"{Count} x {(ScalarType)ElementType}"));
        }
        else if (Kind == OperationKind.NewGroup)
        {
            parts.Add(FormattableString.Invariant($"{Count} ranks"));
        }

        if (Op != None)
        {
            parts.Add(FormattableString.Invariant($"{(ReduceOp)Op}"));
        }

        if (Root != None)
        {
            parts.Add(FormattableString.Invariant($"root {Root}"));
        }

        if (Kind == OperationKind.AllReduce)
        {
            parts.Add(Buffer == None ? "ordinary memory" : FormattableString.Invariant($"buffer {Buffer}, offset {Offset}"));
        }

        return $"{Kind}({string.Join(", ", parts)})";
    }
}
