using static TorchSharp.torch;
namespace Convoy.Distributed.Data;
/// <summary>temporary</summary>
public sealed class DistributedSampler(int count, ProcessGroup group, bool shuffle = true, long seed = 0, bool dropLast = false)
{
    /// <summary>e</summary>
    public int Epoch { get; set; }
    /// <summary>i</summary>
    public IReadOnlyList<int> Indices()
    {
        using var g = new Generator((ulong)(seed + Epoch));
        using Tensor p = shuffle ? randperm(count, ScalarType.Int64, generator: g) : arange(count, ScalarType.Int64);
        long[] all = p.data<long>().ToArray();
        int per = dropLast ? count / group.Size : (count + group.Size - 1) / group.Size;
        return [.. Enumerable.Range(0, per).Select(i => (int)all[((i * group.Size) + group.Rank) % count])];
    }
}
