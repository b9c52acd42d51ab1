using System.Runtime.InteropServices;
using Convoy.Distributed.Backends.Reductions;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.Backends.Reductions;

public unsafe class ReductionTests
{
    private const int Guard = 64;

    public static TheoryData<ScalarType, ReduceOp> Supported()
    {
        var rows = new TheoryData<ScalarType, ReduceOp>();
        foreach (ScalarType dtype in ScalarReduction.Types)
        {
            foreach (ReduceOp op in Enum.GetValues<ReduceOp>().Where(op => IsExpected(dtype, op)))
            {
                rows.Add(dtype, op);
            }
        }

        return rows;
    }

    [Fact]
    public void Supports_EveryPair_IsAsDocumented()
    {
        foreach (ScalarType dtype in Enum.GetValues<ScalarType>())
        {
            foreach (ReduceOp op in Enum.GetValues<ReduceOp>())
            {
                Assert.True(IsExpected(dtype, op) == Reduction.Supports(dtype, op), $"{op} of {dtype}");
            }
        }

        Assert.False(Reduction.Supports(ScalarType.Int32, (ReduceOp)99));
        Assert.False(Reduction.Supports(ScalarType.Float32, (ReduceOp)99));
    }

    [Fact]
    public void Run_NotSupported_Throws() => Assert.Throws<ArgumentException>(() =>
    {
        byte* memory = stackalloc byte[64];
        Reduction.Run(&memory, 1, &memory, 1, 1, ScalarType.Bool, ReduceOp.Average);
    });

    [Theory]
    [MemberData(nameof(Supported))]
    public void Run_InPlace_GivesTheScalarResultOnEveryRank(ScalarType dtype, ReduceOp op)
    {
        for (int ranks = 1; ranks <= 8; ranks++)
        {
            foreach (int count in (int[])[0, 1, 5, 16, 31, 64, 65, 167])
            {
                byte[][] ranges = Random(dtype, ranks, count, seed: (ranks * 1000) + count);
                byte[] expected = Expected(ranges, count, dtype, op);
                using var memory = new Memory(ranges, shift: count % 3 * ScalarReduction.Size(dtype));

                Reduction.Run(memory.Pointers, ranks, memory.Pointers, ranks, count, dtype, op);

                for (int rank = 0; rank < ranks; rank++)
                {
                    AssertSame(expected, memory.Read(rank), dtype, $"{op} of {dtype}, {ranks} ranks, {count} elements, rank {rank}");
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Supported))]
    public void Run_ToOnePlaceElsewhere_LeavesTheSources(ScalarType dtype, ReduceOp op)
    {
        const int Count = 77;
        for (int ranks = 1; ranks <= 8; ranks++)
        {
            byte[][] ranges = Random(dtype, ranks, Count, seed: ranks);
            using var memory = new Memory(ranges, shift: 0);
            using var destination = new Memory([new byte[ranges[0].Length]], shift: 0);

            Reduction.Run(memory.Pointers, ranks, destination.Pointers, 1, Count, dtype, op);

            AssertSame(Expected(ranges, Count, dtype, op), destination.Read(0), dtype, $"{op} of {dtype}, {ranks} ranks");
            for (int rank = 0; rank < ranks; rank++)
            {
                Assert.Equal(ranges[rank], memory.Read(rank));
            }
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32, 0)]
    [InlineData(ScalarType.Float32, 4)]
    [InlineData(ScalarType.BFloat16, 0)]
    [InlineData(ScalarType.Float16, 0)]
    [InlineData(ScalarType.Bool, 0)]
    public void Run_LargeAndElsewhere_GivesWhatSmallPartsGive(ScalarType dtype, int shift)
    {
        // Large enough to be written around the caches.
        int size = ScalarReduction.Size(dtype), count = (4 << 20) / size + 13;
        byte[][] ranges = Random(dtype, 2, count, seed: 1);
        using var memory = new Memory(ranges, shift);
        using var whole = new Memory([new byte[count * size]], shift);
        using var parts = new Memory([new byte[count * size]], shift);

        Reduction.Run(memory.Pointers, 2, whole.Pointers, 1, count, dtype, ReduceOp.Sum);
        byte** sources = stackalloc byte*[2];
        for (int start = 0; start < count; start += 1000)
        {
            byte* to = parts.Pointers[0] + (start * size);
            sources[0] = memory.Pointers[0] + (start * size);
            sources[1] = memory.Pointers[1] + (start * size);
            Reduction.Run(sources, 2, &to, 1, Math.Min(1000, count - start), dtype, ReduceOp.Sum);
        }

        AssertSame(parts.Read(0), whole.Read(0), dtype, $"{dtype}");
        AssertSame(Expected(ranges, 1000, dtype, ReduceOp.Sum), whole.Read(0).AsSpan(0, 1000 * size), dtype, $"{dtype}");
    }

    [Theory]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    public void Run_EveryHalf_IsReadAndRoundedExactly(ScalarType dtype)
    {
        // Each of the 65,536 patterns plus a third of another: sums between the representable values.
        const int Count = 1 << 16;
        byte[][] ranges = [new byte[2 * Count], new byte[2 * Count], new byte[2 * Count]];
        for (int i = 0; i < Count; i++)
        {
            BitConverter.TryWriteBytes(ranges[0].AsSpan(2 * i), (ushort)i);
            BitConverter.TryWriteBytes(ranges[1].AsSpan(2 * i), (ushort)(i ^ 0x0800));
            BitConverter.TryWriteBytes(ranges[2].AsSpan(2 * i), (ushort)(i * 40503));
        }

        for (int ranks = 1; ranks <= 3; ranks++)
        {
            foreach (ReduceOp op in (ReduceOp[])[ReduceOp.Sum, ReduceOp.Average, ReduceOp.Product, ReduceOp.Max])
            {
                using var memory = new Memory(ranges[..ranks], shift: 0);
                Reduction.Run(memory.Pointers, ranks, memory.Pointers, 1, Count, dtype, op);
                AssertSame(Expected(ranges[..ranks], Count, dtype, op), memory.Read(0), dtype, $"{op} of {ranks}");
            }
        }
    }

    [Theory]
    [InlineData(ScalarType.Float16, 0x6800, 0x3C00, 0x6801)] // 2048 + 1 + 1 = 2050
    [InlineData(ScalarType.BFloat16, 0x4380, 0x3F80, 0x4381)] // 256 + 1 + 1 = 258
    public void Run_HalfTypes_RoundOnlyAtTheEnd(ScalarType dtype, int large, int one, int expected)
    {
        ushort* a = stackalloc ushort[1] { (ushort)large }, b = stackalloc ushort[1] { (ushort)one }, c = stackalloc ushort[1] { (ushort)one };
        byte** ranks = stackalloc byte*[3] { (byte*)a, (byte*)b, (byte*)c };
        Reduction.Run(ranks, 3, ranks, 3, 1, dtype, ReduceOp.Sum);
        Assert.Equal((expected, expected, expected), (*a, *b, *c));
    }

    [Theory]
    [InlineData(ReduceOp.Min)]
    [InlineData(ReduceOp.Max)]
    public void Run_OneIsNotANumber_SoIsTheResult(ReduceOp op)
    {
        foreach (ScalarType dtype in ScalarReduction.Types.Where(ScalarReduction.IsFloating))
        {
            int size = ScalarReduction.Size(dtype);
            for (int where = 0; where < 3; where++)
            {
                byte[][] ranges = [new byte[size], new byte[size], new byte[size]];
                ranges[where] = dtype switch
                {
                    ScalarType.Float32 => BitConverter.GetBytes(float.NaN),
                    ScalarType.Float64 => BitConverter.GetBytes(double.NaN),
                    ScalarType.Float16 => BitConverter.GetBytes(Half.NaN),
                    _ => BitConverter.GetBytes((ushort)0x7F81), // whose mantissa rounds away
                };
                using var memory = new Memory(ranges, shift: 0);
                Reduction.Run(memory.Pointers, 3, memory.Pointers, 3, 1, dtype, op);
                Assert.True(double.IsNaN(ScalarReduction.ToDouble(memory.Read(2), dtype)), $"{dtype}, rank {where}");
            }
        }
    }

    private static bool IsExpected(ScalarType dtype, ReduceOp op)
    {
        bool bits = op is ReduceOp.BitwiseAnd or ReduceOp.BitwiseOr or ReduceOp.BitwiseXor;
        return ScalarReduction.Types.Contains(dtype) && (ScalarReduction.IsFloating(dtype) ? !bits : op != ReduceOp.Average);
    }

    // Any bits are a value of every type; of the floating ones some are subnormal, infinite or not a number.
    private static byte[][] Random(ScalarType dtype, int ranks, int count, int seed)
    {
        var random = new Random(seed);
        byte[][] ranges = new byte[ranks][];
        for (int rank = 0; rank < ranks; rank++)
        {
            random.NextBytes(ranges[rank] = new byte[count * ScalarReduction.Size(dtype)]);
            if (dtype == ScalarType.Bool)
            {
                ranges[rank] = [.. ranges[rank].Select(b => (byte)(b < 200 ? 1 : 0))];
            }
        }

        return ranges;
    }

    private static byte[] Expected(byte[][] ranges, int count, ScalarType dtype, ReduceOp op)
    {
        int size = ScalarReduction.Size(dtype);
        byte[] expected = new byte[count * size];
        for (int i = 0; i < count; i++)
        {
            ScalarReduction.Combine([.. ranges.Select(r => r[(i * size)..((i + 1) * size)])], dtype, op).CopyTo(expected, i * size);
        }

        return expected;
    }

    private static void AssertSame(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual, ScalarType dtype, string what)
    {
        int size = ScalarReduction.Size(dtype);
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i += size)
        {
            if (!ScalarReduction.Same(expected.Slice(i, size), actual.Slice(i, size), dtype))
            {
                Assert.Fail($"{what}: element {i / size} is {Convert.ToHexString(actual.Slice(i, size))}, expected {Convert.ToHexString(expected.Slice(i, size))}");
            }
        }
    }

    /// <summary>Ranges in unmanaged memory with a margin on both sides that must stay as it is.</summary>
    private sealed class Memory : IDisposable
    {
        private const byte Margin = 0xA5;

        private readonly byte[] _buffer;
        private readonly GCHandle _pin;
        private readonly GCHandle _pointerPin;
        private readonly int _length;
        private readonly int _stride;
        private readonly byte* _start;

        public Memory(byte[][] ranges, int shift)
        {
            _length = ranges[0].Length;
            _stride = (Guard + _length + Guard + 63) / 64 * 64;
            _buffer = GC.AllocateUninitializedArray<byte>((_stride * ranges.Length) + 64 + shift);
            _buffer.AsSpan().Fill(Margin);
            _pin = GCHandle.Alloc(_buffer, GCHandleType.Pinned);
            byte* buffer = (byte*)_pin.AddrOfPinnedObject();
            _start = buffer + ((64 - ((nint)buffer % 64)) % 64) + shift;
            nint[] pointers = new nint[ranges.Length];
            _pointerPin = GCHandle.Alloc(pointers, GCHandleType.Pinned);
            for (int rank = 0; rank < ranges.Length; rank++)
            {
                pointers[rank] = (nint)(_start + (rank * _stride) + Guard);
                ranges[rank].CopyTo(new Span<byte>((byte*)pointers[rank], _length));
            }
        }

        public byte** Pointers => (byte**)_pointerPin.AddrOfPinnedObject();

        /// <summary>The range, once its margins are seen to be intact.</summary>
        public byte[] Read(int rank)
        {
            var all = new Span<byte>(_start + (rank * _stride), Guard + _length + Guard);
            Assert.Equal(-1, all[..Guard].IndexOfAnyExcept(Margin));
            Assert.Equal(-1, all[^Guard..].IndexOfAnyExcept(Margin));
            return all[Guard..^Guard].ToArray();
        }

        public void Dispose()
        {
            _pin.Free();
            _pointerPin.Free();
        }
    }
}
