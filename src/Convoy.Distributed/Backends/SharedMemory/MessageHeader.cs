using static TorchSharp.torch;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>What goes before a message's elements.</summary>
/// <param name="Count">The number of elements.</param>
/// <param name="ElementType">Their <see cref="ScalarType"/>.</param>
/// <param name="Tag">The tag.</param>
internal readonly record struct MessageHeader(long Count, int ElementType, int Tag)
{
    public override string ToString() => FormattableString.Invariant($"{Count} x {(ScalarType)ElementType}");
}
