using Convoy.Distributed.GradientReduction;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.GradientReduction;

public class BucketAssignmentTests
{
    private const long Mb = 1 << 20;

    [Fact]
    public void Compute_OneType_GoesBackwardsAndClosesFullBuckets() =>
        AssertBuckets([[5, 4], [3, 2], [1, 0]], [(2 * Mb, float32), (Mb, float32), (3 * Mb, float32), (Mb, float32), (Mb / 2, float32), (Mb / 2, float32)], cap: 4, first: 1);

    [Fact]
    public void Compute_SeveralTypes_KeepsThemApart() =>
        AssertBuckets([[3, 1], [2], [0]], [(Mb, float32), (Mb, float64), (Mb, bfloat16), (Mb, float64)], cap: 10, first: 2);

    [Fact]
    public void Compute_LargerThanTheCap_HasABucketOfItsOwn() =>
        AssertBuckets([[2], [1], [0]], [(Mb, float32), (90 * Mb, float32), (Mb, float32)], cap: 25, first: 1);

    [Fact]
    public void Compute_Nothing_GivesNothing() => AssertBuckets([], [], cap: 25, first: 1);

    [Fact]
    public void Compute_OrderOfArrival_FillsBucketsInIt() =>
        Assert.Equal([[1], [3, 0], [2]], BucketAssignment.Compute(Enumerable.Repeat((Mb, float32), 4).ToArray(), bucketCapMb: 2, firstBucketCapMb: 1, order: [1, 3, 0, 2]).Select(bucket => bucket.ToArray()));

    private static void AssertBuckets(int[][] expected, (long, ScalarType)[] gradients, double cap, double first) =>
        Assert.Equal(expected, BucketAssignment.Compute(gradients, cap, first).Select(bucket => bucket.ToArray()));
}
