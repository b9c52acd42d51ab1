using static TorchSharp.torch;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>What a rank calls, so that the others can see whether they call the same.</summary>
/// <param name="Kind">Which operation.</param>
/// <param name="Detail">The <see cref="ReduceOp"/> or the root.</param>
/// <param name="ElementType">The tensor's <see cref="ScalarType"/>.</param>
/// <param name="Count">The tensor's number of elements.</param>
/// <param name="Offset">Where in the buffers of all ranks it lies; -1: in ordinary memory.</param>
internal readonly record struct CollectiveCall(OperationKind Kind, int Detail, int ElementType, long Count, long Offset)
{
    public override string ToString() => Kind switch
    {
        OperationKind.Barrier => "Barrier()",
        OperationKind.AllReduce => FormattableString.Invariant($"AllReduce({Count} x {(ScalarType)ElementType}, {(ReduceOp)Detail}, {(Offset < 0 ? "ordinary memory" : $"buffer offset {Offset}")})"),
        OperationKind.Broadcast => FormattableString.Invariant($"Broadcast({Count} x {(ScalarType)ElementType}, root {Detail})"),
        OperationKind.AllGather => FormattableString.Invariant($"AllGather({Count} x {(ScalarType)ElementType})"),
        _ => FormattableString.Invariant($"AllocateBuffer({Count} x {(ScalarType)ElementType})"),
    };
}
