using Convoy.Distributed.Diagnostics;

namespace Convoy.Distributed.Tests.Diagnostics;

public class CallComparisonTests
{
    [Fact]
    public void Describe_AllTheSame_IsNothing() => Assert.Null(CallComparison.Describe(["Barrier()", null, "Barrier()"], 3, "default"));

    [Fact]
    public void Describe_OneDiffers_NamesItFirst() => Assert.Equal(
        "rank 1 called AllReduce([3, 5] Float32, Sum) as operation 17 of group default while ranks 0, 2 called AllReduce([5, 3] Float32, Sum). "
        + "Every rank must call the same operations in the same order, with tensors of the same shape and type.",
        CallComparison.Describe(["AllReduce([5, 3] Float32, Sum)", "AllReduce([3, 5] Float32, Sum)", "AllReduce([5, 3] Float32, Sum)"], 17, "default"));

    [Fact]
    public void Describe_EvenlySplit_TakesRankZeroForTheReference() => Assert.StartsWith(
        "rank 1 called Barrier() as operation 1 of group default/2 while rank 0 called Broadcast([1] Int64, root 0). ",
        CallComparison.Describe(["Broadcast([1] Int64, root 0)", "Barrier()"], 1, "default/2"), StringComparison.Ordinal);

    [Fact]
    public void Describe_ThreeSides_NamesAll() => Assert.StartsWith(
        "rank 3 called C() as operation 1 of group g while rank 2 called B(), ranks 0, 1 called A(). ", CallComparison.Describe(["A()", "A()", "B()", "C()"], 1, "g"), StringComparison.Ordinal);
}
