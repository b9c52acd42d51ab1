using static TorchSharp.torch;

namespace Convoy.Distributed.Nn;

/// <summary>
/// Sorts gradients into buckets that are reduced at once, as PyTorch's DDP does: in the reverse order of registration, which is
/// about the order in which backward makes them; one element type a bucket; a bucket is full when it reaches its cap.
/// </summary>
public static class BucketAssignment
{
    /// <summary>The default cap of a bucket: 25 MB (2^20 bytes each), as in PyTorch.</summary>
    public const double DefaultBucketCapMb = 25;

    /// <summary>The default cap of each type's first bucket: 1 MB, so that communication can begin early.</summary>
    public const double DefaultFirstBucketCapMb = 1;

    /// <summary>Gives each bucket's gradients as indices into <paramref name="gradients"/>, in the order in which backward fills them.</summary>
    /// <param name="gradients">The size in bytes and the element type of each gradient, in order of registration.</param>
    /// <param name="bucketCapMb">How large a bucket gets before the next is begun, in units of 2^20 bytes; above 0.</param>
    /// <param name="firstBucketCapMb">The same for the first bucket of each type.</param>
    public static IReadOnlyList<IReadOnlyList<int>> Compute(
        IReadOnlyList<(long Bytes, ScalarType ElementType)> gradients, double bucketCapMb = DefaultBucketCapMb, double firstBucketCapMb = DefaultFirstBucketCapMb)
    {
        ArgumentNullException.ThrowIfNull(gradients);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(bucketCapMb, 0);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(firstBucketCapMb, 0);
        var full = new List<IReadOnlyList<int>>();
        var open = new Dictionary<ScalarType, (List<int> Indices, long Bytes)>();
        var started = new HashSet<ScalarType>();
        for (int index = gradients.Count - 1; index >= 0; index--)
        {
            (long bytes, ScalarType type) = gradients[index];
            (List<int> indices, long sum) = open.TryGetValue(type, out var bucket) ? bucket : ([], 0);
            indices.Add(index);
            sum += bytes;
            double capMb = started.Contains(type) ? bucketCapMb : firstBucketCapMb;
            if (sum < capMb * (1 << 20))
            {
                open[type] = (indices, sum);
                continue;
            }

            full.Add(indices);
            open.Remove(type);
            started.Add(type);
        }

        // By their first gradient, as every rank must reduce them in the same order.
        full.AddRange(open.Values.Select(bucket => (IReadOnlyList<int>)bucket.Indices));
        return [.. full.OrderByDescending(bucket => bucket[0])];
    }
}
