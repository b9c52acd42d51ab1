using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Convoy.Torch.Kernels;

/// <summary>
/// A vector of float32 whose width a kernel's caller chooses: <c>Vector&lt;float&gt;</c> has 256 bits on every x86 processor, also where 512 compute twice as much. Kernels are written
/// once, generic over it; a width changes no bit of an element's result.
/// </summary>
/// <typeparam name="TSelf">The vector itself.</typeparam>
internal unsafe interface ILanes<TSelf>
    where TSelf : unmanaged, ILanes<TSelf>
{
    /// <summary>Whether the processor has registers of this width.</summary>
    static abstract bool IsSupported { get; }

    /// <summary>Numbers in a vector.</summary>
    static abstract int Count { get; }

    /// <summary>The same number everywhere.</summary>
    static abstract TSelf Broadcast(float value);

    /// <summary>Reads a vector from any address.</summary>
    static abstract TSelf Load(float* from);

    /// <summary>Writes a vector to any address.</summary>
    static abstract void Store(TSelf values, float* to);

    /// <summary>left * right + addend, rounded once.</summary>
    static abstract TSelf Fma(TSelf left, TSelf right, TSelf addend);

    /// <summary>The sums.</summary>
    static abstract TSelf operator +(TSelf left, TSelf right);

    /// <summary>The differences.</summary>
    static abstract TSelf operator -(TSelf left, TSelf right);

    /// <summary>The products.</summary>
    static abstract TSelf operator *(TSelf left, TSelf right);

    /// <summary>Reads two vectors of bfloat16.</summary>
    static abstract void LoadBFloat16(ushort* from, out TSelf first, out TSelf second);

    /// <summary>Writes two vectors as bfloat16, with the bits of <see cref="BFloat16Conversion.Narrow(float)"/>.</summary>
    static abstract void StoreBFloat16(TSelf first, TSelf second, ushort* to);
}

/// <summary>128 bits: SSE, and Arm's NEON.</summary>
internal readonly unsafe struct Lanes128(Vector128<float> values) : ILanes<Lanes128>
{
    private readonly Vector128<float> _values = values;

    public static bool IsSupported => Vector128.IsHardwareAccelerated;

    public static int Count => Vector128<float>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Broadcast(float value) => new(Vector128.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Load(float* from) => new(Vector128.Load(from));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes128 values, float* to) => values._values.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Fma(Lanes128 left, Lanes128 right, Lanes128 addend) => new(Vector128.FusedMultiplyAdd(left._values, right._values, addend._values));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 operator +(Lanes128 left, Lanes128 right) => new(left._values + right._values);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 operator -(Lanes128 left, Lanes128 right) => new(left._values - right._values);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 operator *(Lanes128 left, Lanes128 right) => new(left._values * right._values);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadBFloat16(ushort* from, out Lanes128 first, out Lanes128 second)
    {
        (Vector128<uint> low, Vector128<uint> high) = Vector128.Widen(Vector128.Load(from));
        first = new((low << 16).AsSingle());
        second = new((high << 16).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBFloat16(Lanes128 first, Lanes128 second, ushort* to) => Vector128.Narrow(Round(first._values) >>> 16, Round(second._values) >>> 16).Store(to);

    // The nearest bfloat16 in the upper half of each number.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> Round(Vector128<float> values)
    {
        Vector128<uint> bits = values.AsUInt32();
        Vector128<uint> rounded = bits + Vector128.Create(BFloat16Conversion.BelowHalf) + ((bits >>> 16) & Vector128<uint>.One);
        return Vector128.ConditionalSelect(Vector128.Equals(values, values).AsUInt32(), rounded, Vector128.Create((uint)BFloat16Conversion.NaN << 16));
    }
}

/// <summary>256 bits: AVX2.</summary>
internal readonly unsafe struct Lanes256(Vector256<float> values) : ILanes<Lanes256>
{
    private readonly Vector256<float> _values = values;

    public static bool IsSupported => Vector256.IsHardwareAccelerated;

    public static int Count => Vector256<float>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Broadcast(float value) => new(Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Load(float* from) => new(Vector256.Load(from));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes256 values, float* to) => values._values.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Fma(Lanes256 left, Lanes256 right, Lanes256 addend) => new(Vector256.FusedMultiplyAdd(left._values, right._values, addend._values));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 operator +(Lanes256 left, Lanes256 right) => new(left._values + right._values);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 operator -(Lanes256 left, Lanes256 right) => new(left._values - right._values);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 operator *(Lanes256 left, Lanes256 right) => new(left._values * right._values);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadBFloat16(ushort* from, out Lanes256 first, out Lanes256 second)
    {
        (Vector256<uint> low, Vector256<uint> high) = Vector256.Widen(Vector256.Load(from));
        first = new((low << 16).AsSingle());
        second = new((high << 16).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBFloat16(Lanes256 first, Lanes256 second, ushort* to) => Vector256.Narrow(Round(first._values) >>> 16, Round(second._values) >>> 16).Store(to);

    // The nearest bfloat16 in the upper half of each number.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Round(Vector256<float> values)
    {
        Vector256<uint> bits = values.AsUInt32();
        Vector256<uint> rounded = bits + Vector256.Create(BFloat16Conversion.BelowHalf) + ((bits >>> 16) & Vector256<uint>.One);
        return Vector256.ConditionalSelect(Vector256.Equals(values, values).AsUInt32(), rounded, Vector256.Create((uint)BFloat16Conversion.NaN << 16));
    }
}

/// <summary>512 bits: AVX-512.</summary>
internal readonly unsafe struct Lanes512(Vector512<float> values) : ILanes<Lanes512>
{
    private readonly Vector512<float> _values = values;

    private static Vector512<ushort> UpperWords => Vector512.Create((ushort)1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31, 33, 35, 37, 39, 41, 43, 45, 47, 49, 51, 53, 55, 57, 59, 61, 63);

    public static bool IsSupported => Vector512.IsHardwareAccelerated;

    public static int Count => Vector512<float>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Broadcast(float value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Load(float* from) => new(Vector512.Load(from));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes512 values, float* to) => values._values.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Fma(Lanes512 left, Lanes512 right, Lanes512 addend) => new(Vector512.FusedMultiplyAdd(left._values, right._values, addend._values));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 operator +(Lanes512 left, Lanes512 right) => new(left._values + right._values);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 operator -(Lanes512 left, Lanes512 right) => new(left._values - right._values);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 operator *(Lanes512 left, Lanes512 right) => new(left._values * right._values);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadBFloat16(ushort* from, out Lanes512 first, out Lanes512 second)
    {
        first = new((Widen(from) << 16).AsSingle());
        second = new((Widen(from + Count) << 16).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBFloat16(Lanes512 first, Lanes512 second, ushort* to)
    {
        Vector512<uint> low = Round(first._values), high = Round(second._values);
        Vector512<ushort> values = Avx512BW.IsSupported ? Avx512BW.PermuteVar32x16x2(low.AsUInt16(), UpperWords, high.AsUInt16()) : Vector512.Narrow(low >>> 16, high >>> 16);
        values.Store(to);
    }

    // .NET's own Widen of 512 bits puts the halves together again.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Widen(ushort* from) =>
        Avx512F.IsSupported ? Avx512F.ConvertToVector512UInt32(Vector256.Load(from)) : Vector512.WidenLower(Vector256.Load(from).ToVector512());

    // The nearest bfloat16 in the upper half of each number.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Round(Vector512<float> values)
    {
        Vector512<uint> bits = values.AsUInt32();
        Vector512<uint> rounded = bits + Vector512.Create(BFloat16Conversion.BelowHalf) + ((bits >>> 16) & Vector512<uint>.One);
        return Vector512.ConditionalSelect(Vector512.Equals(values, values).AsUInt32(), rounded, Vector512.Create((uint)BFloat16Conversion.NaN << 16));
    }
}
