using static TorchSharp.torch;

namespace Convoy.Distributed.GradientReduction;

/// <summary>
/// Sorts gradients into buckets that are reduced at once, as PyTorch's DDP does: in the reverse order of registration, which is
/// roughly the order in which backward computes them, or in the order in which they were seen to arrive; one element type per bucket; a
/// bucket is full when it reaches its cap.
/// </summary>
public static class BucketAssignment
{
    /// <summary>The default cap of a bucket: 25 MB (2^20 bytes each), as in PyTorch.</summary>
    public const double DefaultBucketCapMb = 25;

    /// <summary>The default cap of each type's first bucket: 1 MB, so that communication can begin early.</summary>
    public const double DefaultFirstBucketCapMb = 1;

    /// <summary>Gives each bucket's gradients as indices into <paramref name="gradients"/>, in the order in which backward fills them.</summary>
    /// <param name="gradients">The size in bytes and the element type of each gradient, in order of registration.</param>
    /// <param name="bucketCapMb">How large a bucket gets before the next one starts, in units of 2^20 bytes; above 0.</param>
    /// <param name="firstBucketCapMb">The same for the first bucket of each type.</param>
    /// <param name="order">The indices of all gradients in the order in which they arrive; null: the last registered first.</param>
    public static IReadOnlyList<IReadOnlyList<int>> Compute(
        IReadOnlyList<(long Bytes, ScalarType ElementType)> gradients,
        double bucketCapMb = DefaultBucketCapMb,
        double firstBucketCapMb = DefaultFirstBucketCapMb,
        IReadOnlyList<int>? order = null)
    {
        ArgumentNullException.ThrowIfNull(gradients);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(bucketCapMb, 0);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(firstBucketCapMb, 0);
        order ??= [.. Enumerable.Range(0, gradients.Count).Reverse()];
        if (!order.Order().SequenceEqual(Enumerable.Range(0, gradients.Count)))
        {
            throw new ArgumentException("the order must name each gradient once.", nameof(order));
        }

        var full = new List<(List<int> Indices, int Position)>();
        var open = new Dictionary<ScalarType, (List<int> Indices, int Position, long Bytes)>();
        var started = new HashSet<ScalarType>();
        for (int position = 0; position < order.Count; position++)
        {
            (long bytes, ScalarType type) = gradients[order[position]];
            (List<int> indices, int first, long sum) = open.TryGetValue(type, out var bucket) ? bucket : ([], position, 0);
            indices.Add(order[position]);
            sum += bytes;
            double capMb = started.Contains(type) ? bucketCapMb : firstBucketCapMb;
            if (sum < capMb * (1 << 20))
            {
                open[type] = (indices, first, sum);
                continue;
            }

            full.Add((indices, first));
            open.Remove(type);
            started.Add(type);
        }

        // By their first gradient, as every rank must reduce them in the same order.
        return [.. full.Concat(open.Values.Select(bucket => (bucket.Indices, bucket.Position))).OrderBy(bucket => bucket.Position).Select(bucket => bucket.Indices)];
    }
}
