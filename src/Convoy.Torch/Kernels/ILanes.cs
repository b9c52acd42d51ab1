using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Convoy.Torch.Kernels;

/// <summary>A vector of numbers. Kernels are written once, generic over it; a width changes no bit of an element's result.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <typeparam name="TSelf">The vector itself.</typeparam>
internal unsafe interface ILanes<T, TSelf>
    where T : unmanaged
    where TSelf : unmanaged, ILanes<T, TSelf>
{
    /// <summary>Numbers in a vector.</summary>
    static abstract int Count { get; }

    /// <summary>The same number everywhere.</summary>
    static abstract TSelf Broadcast(T value);

    /// <summary>Reads a vector from any address.</summary>
    static abstract TSelf Load(T* from);

    /// <summary>Writes a vector to any address.</summary>
    static abstract void Store(TSelf values, T* to);

    /// <summary>The first number.</summary>
    static abstract T First(TSelf values);

    /// <summary>left * right + addend, rounded once where the processor can and twice elsewhere, as <c>MultiplyAddEstimate</c> of one number.</summary>
    static abstract TSelf MultiplyAdd(TSelf left, TSelf right, TSelf addend);

    /// <summary>The values where <paramref name="y"/> is above 0 or not a number, and 0 elsewhere: with <paramref name="y"/> itself ReLU, with a gradient ReLU's gradient.</summary>
    static abstract TSelf WhereAboveZero(TSelf y, TSelf values);

    /// <summary>The values where <paramref name="left"/> and <paramref name="right"/> are equal, and <paramref name="others"/> elsewhere.</summary>
    static abstract TSelf WhereEqual(TSelf left, TSelf right, TSelf values, TSelf others);

    /// <summary>Puts a key and what belongs to it in place of the greatest so far where it is greater or not a number. The first of equal keys stays, and so does what is not a number.</summary>
    static abstract void KeepGreatest(TSelf key, TSelf x, TSelf place, ref TSelf greatestKey, ref TSelf greatestX, ref TSelf greatestPlace);

    /// <summary>The sums.</summary>
    static abstract TSelf operator +(TSelf left, TSelf right);

    /// <summary>The differences.</summary>
    static abstract TSelf operator -(TSelf left, TSelf right);

    /// <summary>The products.</summary>
    static abstract TSelf operator *(TSelf left, TSelf right);
}

/// <summary>
/// A vector of float32 whose width a kernel's caller chooses: <c>Vector&lt;float&gt;</c> has 256 bits on every x86 processor, also where 512 compute twice as much.
/// </summary>
/// <typeparam name="TSelf">The vector itself.</typeparam>
internal unsafe interface ILanes<TSelf> : ILanes<float, TSelf>
    where TSelf : unmanaged, ILanes<TSelf>
{
    /// <summary>Whether the processor has registers of this width.</summary>
    static abstract bool IsSupported { get; }

    /// <summary>left * right + addend, rounded once.</summary>
    static abstract TSelf Fma(TSelf left, TSelf right, TSelf addend);

    /// <summary>Reads 2 * Count bfloat16s and widens them: those with even numbers into one vector, those with odd ones into the other, so that none changes its place in the register.</summary>
    static abstract void LoadEvenOdd(ushort* from, out TSelf even, out TSelf odd);

    /// <summary>Rounds as <see cref="BFloat16Conversion"/> and writes what <see cref="LoadEvenOdd"/> reads.</summary>
    static abstract void StoreEvenOdd(TSelf even, TSelf odd, ushort* to);

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
    public static float First(Lanes128 values) => values._values.ToScalar();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 MultiplyAdd(Lanes128 left, Lanes128 right, Lanes128 addend) => new(Vector128.MultiplyAddEstimate(left._values, right._values, addend._values));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 WhereAboveZero(Lanes128 y, Lanes128 values) =>
        new(Vector128.ConditionalSelect(Vector128.LessThanOrEqual(y._values, Vector128<float>.Zero), Vector128<float>.Zero, values._values));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 WhereEqual(Lanes128 left, Lanes128 right, Lanes128 values, Lanes128 others) =>
        new(Vector128.ConditionalSelect(Vector128.Equals(left._values, right._values), values._values, others._values));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void KeepGreatest(Lanes128 key, Lanes128 x, Lanes128 place, ref Lanes128 greatestKey, ref Lanes128 greatestX, ref Lanes128 greatestPlace)
    {
        Vector128<float> isGreater = Vector128.GreaterThan(key._values, greatestKey._values) | ~Vector128.Equals(key._values, key._values);
        greatestKey = new(Vector128.ConditionalSelect(isGreater, key._values, greatestKey._values));
        greatestX = new(Vector128.ConditionalSelect(isGreater, x._values, greatestX._values));
        greatestPlace = new(Vector128.ConditionalSelect(isGreater, place._values, greatestPlace._values));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadEvenOdd(ushort* from, out Lanes128 even, out Lanes128 odd)
    {
        Vector128<uint> pairs = Vector128.Load((uint*)from);
        even = new((pairs << 16).AsSingle());
        odd = new((pairs & Vector128.Create(0xFFFF_0000)).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreEvenOdd(Lanes128 even, Lanes128 odd, ushort* to) =>
        Vector128.ConditionalSelect(Vector128.Create(0xFFFF_0000), Round(odd._values), Round(even._values) >>> 16).Store((uint*)to);

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
    public static float First(Lanes256 values) => values._values.ToScalar();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 MultiplyAdd(Lanes256 left, Lanes256 right, Lanes256 addend) => new(Vector256.MultiplyAddEstimate(left._values, right._values, addend._values));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 WhereAboveZero(Lanes256 y, Lanes256 values) =>
        new(Vector256.ConditionalSelect(Vector256.LessThanOrEqual(y._values, Vector256<float>.Zero), Vector256<float>.Zero, values._values));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 WhereEqual(Lanes256 left, Lanes256 right, Lanes256 values, Lanes256 others) =>
        new(Vector256.ConditionalSelect(Vector256.Equals(left._values, right._values), values._values, others._values));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void KeepGreatest(Lanes256 key, Lanes256 x, Lanes256 place, ref Lanes256 greatestKey, ref Lanes256 greatestX, ref Lanes256 greatestPlace)
    {
        Vector256<float> isGreater = Vector256.GreaterThan(key._values, greatestKey._values) | ~Vector256.Equals(key._values, key._values);
        greatestKey = new(Vector256.ConditionalSelect(isGreater, key._values, greatestKey._values));
        greatestX = new(Vector256.ConditionalSelect(isGreater, x._values, greatestX._values));
        greatestPlace = new(Vector256.ConditionalSelect(isGreater, place._values, greatestPlace._values));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadEvenOdd(ushort* from, out Lanes256 even, out Lanes256 odd)
    {
        Vector256<uint> pairs = Vector256.Load((uint*)from);
        even = new((pairs << 16).AsSingle());
        odd = new((pairs & Vector256.Create(0xFFFF_0000)).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreEvenOdd(Lanes256 even, Lanes256 odd, ushort* to) =>
        Vector256.ConditionalSelect(Vector256.Create(0xFFFF_0000), Round(odd._values), Round(even._values) >>> 16).Store((uint*)to);

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

    // A constant once it is inlined, which .NET does not do by itself.
    private static Vector512<ushort> UpperWords
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector512.Create((ushort)1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31, 33, 35, 37, 39, 41, 43, 45, 47, 49, 51, 53, 55, 57, 59, 61, 63);
    }

    public static bool IsSupported => Vector512.IsHardwareAccelerated;

    public static int Count => Vector512<float>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Broadcast(float value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Load(float* from) => new(Vector512.Load(from));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes512 values, float* to) => values._values.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float First(Lanes512 values) => values._values.ToScalar();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 MultiplyAdd(Lanes512 left, Lanes512 right, Lanes512 addend) => new(Vector512.MultiplyAddEstimate(left._values, right._values, addend._values));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 WhereAboveZero(Lanes512 y, Lanes512 values) =>
        new(Vector512.ConditionalSelect(Vector512.LessThanOrEqual(y._values, Vector512<float>.Zero), Vector512<float>.Zero, values._values));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 WhereEqual(Lanes512 left, Lanes512 right, Lanes512 values, Lanes512 others) =>
        new(Vector512.ConditionalSelect(Vector512.Equals(left._values, right._values), values._values, others._values));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void KeepGreatest(Lanes512 key, Lanes512 x, Lanes512 place, ref Lanes512 greatestKey, ref Lanes512 greatestX, ref Lanes512 greatestPlace)
    {
        Vector512<float> isGreater = Vector512.GreaterThan(key._values, greatestKey._values) | ~Vector512.Equals(key._values, key._values);
        greatestKey = new(Vector512.ConditionalSelect(isGreater, key._values, greatestKey._values));
        greatestX = new(Vector512.ConditionalSelect(isGreater, x._values, greatestX._values));
        greatestPlace = new(Vector512.ConditionalSelect(isGreater, place._values, greatestPlace._values));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadEvenOdd(ushort* from, out Lanes512 even, out Lanes512 odd)
    {
        Vector512<uint> pairs = Vector512.Load((uint*)from);
        even = new((pairs << 16).AsSingle());
        odd = new((pairs & Vector512.Create(0xFFFF_0000)).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreEvenOdd(Lanes512 even, Lanes512 odd, ushort* to) =>
        Vector512.ConditionalSelect(Vector512.Create(0xFFFF_0000), Round(odd._values), Round(even._values) >>> 16).Store((uint*)to);

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

/// <summary>float64 in vectors of the runtime's own width.</summary>
internal readonly unsafe struct DoubleLanes(Vector<double> values) : ILanes<double, DoubleLanes>
{
    private readonly Vector<double> _values = values;

    public static int Count => Vector<double>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleLanes Broadcast(double value) => new(Vector.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleLanes Load(double* from) => new(Vector.Load(from));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(DoubleLanes values, double* to) => values._values.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double First(DoubleLanes values) => values._values.ToScalar();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleLanes MultiplyAdd(DoubleLanes left, DoubleLanes right, DoubleLanes addend) => new(Vector.MultiplyAddEstimate(left._values, right._values, addend._values));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleLanes WhereAboveZero(DoubleLanes y, DoubleLanes values) =>
        new(Vector.ConditionalSelect(Vector.LessThanOrEqual(y._values, Vector<double>.Zero), Vector<double>.Zero, values._values));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleLanes WhereEqual(DoubleLanes left, DoubleLanes right, DoubleLanes values, DoubleLanes others) =>
        new(Vector.ConditionalSelect(Vector.Equals(left._values, right._values), values._values, others._values));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void KeepGreatest(
        DoubleLanes key, DoubleLanes x, DoubleLanes place, ref DoubleLanes greatestKey, ref DoubleLanes greatestX, ref DoubleLanes greatestPlace)
    {
        Vector<long> isGreater = Vector.GreaterThan(key._values, greatestKey._values) | ~Vector.Equals(key._values, key._values);
        greatestKey = new(Vector.ConditionalSelect(isGreater, key._values, greatestKey._values));
        greatestX = new(Vector.ConditionalSelect(isGreater, x._values, greatestX._values));
        greatestPlace = new(Vector.ConditionalSelect(isGreater, place._values, greatestPlace._values));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleLanes operator +(DoubleLanes left, DoubleLanes right) => new(left._values + right._values);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleLanes operator -(DoubleLanes left, DoubleLanes right) => new(left._values - right._values);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleLanes operator *(DoubleLanes left, DoubleLanes right) => new(left._values * right._values);
}
