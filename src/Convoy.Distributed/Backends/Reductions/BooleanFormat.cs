using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Convoy.Distributed.Backends.Reductions;

/// <summary>Truth values, a byte each. Any byte but 0 counts as true, as in C++; 1 is written.</summary>
internal readonly unsafe struct BooleanFormat : IElementFormat<byte, byte>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector256<byte> First, Vector256<byte> Second) Load(byte* from) =>
        (Vector256.Min(Vector256.Load(from), Vector256<byte>.One), Vector256.Min(Vector256.Load(from + Vector256<byte>.Count), Vector256<byte>.One));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<byte> first, Vector256<byte> second, byte* to) => PlainFormat<byte>.Store(first, second, to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreNonTemporal(Vector256<byte> first, Vector256<byte> second, byte* to) => PlainFormat<byte>.StoreNonTemporal(first, second, to);
}
