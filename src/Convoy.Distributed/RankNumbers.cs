using static TorchSharp.torch;

namespace Convoy.Distributed;

/// <summary>Whole numbers that the ranks tell each other.</summary>
internal static class RankNumbers
{
    /// <summary>What each rank tells, by rank. All ranks call it together, each with as many numbers.</summary>
    public static long[][] AllGather(ProcessGroup group, params long[] own)
    {
        using var scope = NewDisposeScope();
        var device = new Device(group.TensorDevice);
        Tensor[] all = [.. Enumerable.Range(0, group.Size).Select(_ => zeros(own.Length, dtype: ScalarType.Int64, device: device))];
        group.AllGather(all, tensor(own, device: device));
        return [.. all.Select(one => one.cpu().data<long>().ToArray())];
    }
}
