using Convoy.Training.Tuning;

namespace Convoy.Training.Tests.Tuning;

public sealed class MemoryModelTests
{
    [Fact]
    public void AtMost_OfNothing_IsUnknown() => Assert.Null(new MemoryModel().AtMost(1));

    [Fact]
    public void AtMost_OfOneBatch_GrowsAllThatTheModelAddedWithTheBatch()
    {
        var model = new MemoryModel(idleBytes: 100);
        model.Add(2, 500);

        Assert.Equal(100 + (400 * 4), model.AtMost(8));
        Assert.Equal(500, model.AtMost(1));
        Assert.Null(model.Estimate(8));
    }

    [Fact]
    public void AtMost_OfALine_IsTheLineAndATenthOfTheGrowth()
    {
        var model = new MemoryModel();
        foreach (int batch in (int[])[2, 4, 8])
        {
            model.Add(batch, 1000 + (50 * batch));
        }

        Assert.Equal(1000 + (50 * 16), model.Estimate(16)!.Value, 1e-6);
        Assert.Equal(1000 + (50 * 8) + (50 * 8 * 1.1), model.AtMost(16)!.Value, 1e-6);
        Assert.Equal(1200, model.AtMost(3)); // a larger one was measured
    }

    [Fact]
    public void AtMost_OfPointsOffTheLine_AddsTheLargestDistanceFromIt()
    {
        var model = new MemoryModel();
        model.Add(2, 1100); // 10 above 1040 + 25 x batch, 20 below, 10 above
        model.Add(4, 1120);
        model.Add(6, 1200);

        Assert.Equal(1040 + (25 * 8), model.Estimate(8)!.Value, 1e-6);
        Assert.Equal(1200 + (25 * 2 * 1.1) + 20, model.AtMost(8)!.Value, 1e-6);
    }

    [Fact]
    public void LargestWithin_OfALimit_IsTheLastBatchWhoseBoundIsWithinIt()
    {
        var model = new MemoryModel();
        model.Add(10, 1000);
        model.Add(20, 2000); // all of it grows: the bound is proportional, 100 a sample

        Assert.Equal(25, model.LargestWithin(2500, most: 100));
        Assert.Equal(22, model.LargestWithin(2500, most: 22));
        Assert.Equal(0, model.LargestWithin(500, most: 100));
    }
}
