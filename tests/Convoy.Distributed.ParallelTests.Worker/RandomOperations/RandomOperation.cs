using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker.RandomOperations;

/// <summary>One operation of a random case. All ranks derive the same one.</summary>
/// <param name="Index">Its place in the case.</param>
/// <param name="Kind">What is done; <see cref="OperationKind.Send"/> is a message from <paramref name="Root"/> to <paramref name="Peer"/>.</param>
/// <param name="Group">The index of the group that does it.</param>
/// <param name="Type">The element type.</param>
/// <param name="Count">How many elements each tensor has; of all-to-all the most.</param>
/// <param name="Op">How to combine.</param>
/// <param name="Root">A rank of the group.</param>
/// <param name="Peer">Another rank of the group.</param>
/// <param name="Tag">A message's tag.</param>
/// <param name="Layout">How rank 0's tensors lie in memory; each next rank's lie in the next way.</param>
/// <param name="InBuffer">Whether the tensor lies in memory of the group.</param>
/// <param name="IsAsynchronous">Whether it is begun without waiting.</param>
internal sealed record RandomOperation(
    int Index, OperationKind Kind, int Group, ScalarType Type, long Count, ReduceOp Op, int Root, int Peer, int Tag, TensorLayout Layout, bool InBuffer, bool IsAsynchronous);
