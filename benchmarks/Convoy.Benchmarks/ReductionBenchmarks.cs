using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using Convoy.Distributed;
using Convoy.Distributed.Backends.Reductions;
using static TorchSharp.torch;

namespace Convoy.Benchmarks;

/// <summary>The all-reduce's kernel: one rank's work on buffers of several ranks, the average written to all of them.</summary>
public unsafe class ReductionBenchmarks
{
    private const int MostRanks = 4;
    private readonly byte*[] _buffers = new byte*[MostRanks];

    /// <summary>How many ranks' buffers are combined.</summary>
    [Params(2, 4)]
    public int Ranks { get; set; }

    /// <summary>The element type.</summary>
    [Params(ScalarType.Float32, ScalarType.BFloat16)]
    public ScalarType Dtype { get; set; }

    /// <summary>Bytes of each rank's range: one that stays in the cache, and a rank's half of ResNet18's 52 MB.</summary>
    [Params(64 << 10, 26_000_000)]
    public int Bytes { get; set; }

    private long Count => Bytes / (Dtype == ScalarType.Float32 ? sizeof(float) : sizeof(ushort));

    /// <summary>Allocates the ranks' buffers.</summary>
    [GlobalSetup]
    public void Allocate()
    {
        for (int rank = 0; rank < Ranks; rank++)
        {
            _buffers[rank] = (byte*)NativeMemory.AlignedAlloc((nuint)Bytes, 64);
            new Span<byte>(_buffers[rank], Bytes).Clear();
        }
    }

    /// <summary>Frees them.</summary>
    [GlobalCleanup]
    public void Free()
    {
        for (int rank = 0; rank < Ranks; rank++)
        {
            NativeMemory.AlignedFree(_buffers[rank]);
        }
    }

    /// <summary>In place, as gradient buckets are.</summary>
    [Benchmark]
    public void AverageInPlace()
    {
        fixed (byte** buffers = _buffers)
        {
            Reduction.Run(buffers, Ranks, buffers, Ranks, Count, Dtype, ReduceOp.Average);
        }
    }
}
