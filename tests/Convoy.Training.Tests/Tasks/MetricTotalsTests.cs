using Convoy.Distributed;
using Convoy.Distributed.Backends.Single;
using Convoy.Training.Tasks;
using static TorchSharp.torch;

namespace Convoy.Training.Tests.Tasks;

public sealed class MetricTotalsTests
{
    [Fact]
    public void Means_OfOneRank_AreSumsByWeights()
    {
        var totals = new MetricTotals();
        totals.Add("accuracy", 3, 4);
        totals.Add("loss", 0.5);
        totals.Add("accuracy", 2, 6);
        totals.Add("loss", 1.5);
        totals.Add("recall", 0, 0);
        using var alone = new ProcessGroupSingle();

        IReadOnlyDictionary<string, double> means = totals.Means(alone);

        Assert.Equal(["accuracy", "loss", "recall"], means.Keys);
        Assert.Equal((0.5, 1.0, double.NaN), (means["accuracy"], means["loss"], means["recall"]));
    }

    [Fact]
    public void Means_OfTwoRanks_AreThoseOfAllData()
    {
        var totals = new MetricTotals();
        totals.Add("accuracy", 3, 4);
        totals.Add("recall", 0, 0);
        using var group = new PairGroup([1, 12, 5, 10]);

        IReadOnlyDictionary<string, double> means = totals.Means(group);

        Assert.Equal((4.0 / 16, 0.5), (means["accuracy"], means["recall"]));
    }

    [Fact]
    public void AddMean_BatchesOfTwoSizes_CountBySize()
    {
        var totals = new MetricTotals();
        totals.AddMean("loss", 2, 3);
        totals.AddMean("loss", 6, 1);
        totals.AddMean("loss", double.NaN, 0);
        using var alone = new ProcessGroupSingle();

        Assert.Equal((3.0, 12.0), (totals.Means(alone)["loss"], totals.Sums(alone)["loss"]));
    }

    [Fact]
    public void Sums_OfTwoRanks_AreOverAllData()
    {
        var totals = new MetricTotals();
        totals.Add("right", 3);
        using var group = new PairGroup([4, 1]);

        Assert.Equal(7, totals.Sums(group)["right"]);
    }

    [Fact]
    public void Reset_ThenAdded_CountsFromZero()
    {
        var totals = new MetricTotals();
        totals.Add("loss", 5);
        totals.Reset();
        totals.Add("error", 1, 2);
        using var alone = new ProcessGroupSingle();

        Assert.Equal([new KeyValuePair<string, double>("error", 0.5)], totals.Means(alone));
    }

    [Fact]
    public void Means_OtherRankNamedOtherMetrics_IsRefused()
    {
        var totals = new MetricTotals();
        totals.Add("accuracy", 3, 4);
        using var group = new PairGroup([1, 12], sameNames: false);

        Assert.Contains("different metrics", Assert.Throws<InvalidOperationException>(() => totals.Means(group)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Means_OfNothing_AreNone()
    {
        using var alone = new ProcessGroupSingle();

        Assert.Empty(new MetricTotals().Means(alone));
    }

    [Fact]
    public void Add_NegativeWeightOrNoName_IsRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new MetricTotals().Add("loss", 1, -1));
        Assert.Throws<ArgumentException>(() => new MetricTotals().Add("", 1));
    }

    [Theory]
    [InlineData(true, 0.5, 0.4, true)]
    [InlineData(true, 0.4, 0.5, false)]
    [InlineData(true, 0.5, 0.5, false)]
    [InlineData(false, 0.4, 0.5, true)]
    [InlineData(false, 0.5, 0.4, false)]
    [InlineData(true, 0.1, double.NaN, true)]
    [InlineData(false, 0.1, double.NaN, true)]
    [InlineData(true, double.NaN, 0.1, false)]
    [InlineData(false, double.NaN, double.NaN, false)]
    public void IsBetter_OfAGoal_GoesByItsDirection(bool higher, double value, double other, bool better) =>
        Assert.Equal(better, new MetricGoal("x", HigherIsBetter: higher).IsBetter(value, other));

    [Theory]
    [InlineData(7)]
    [InlineData(2)]
    public void Share_OfTwoRanks_IsEverySampleOnce(int count)
    {
        using var alone = new ProcessGroupSingle();
        using var first = new PairGroup([]);
        var options = SmallRuns.Options;

        Assert.Equal(Enumerable.Range(0, count), new TrainingContext(options, alone, "run").Share(count));
        Assert.Equal(Enumerable.Range(0, count).Where(index => index % 2 == 0), new TrainingContext(options, first, "run").Share(count));
        Assert.Equal(2, new TrainingContext(options, first, "run").LocalBatchSize);
    }

    /// <summary>Rank 0 of two, of which the other one adds planted numbers.</summary>
    private sealed class PairGroup(double[] other, bool sameNames = true) : ProcessGroup(0, 2, TimeSpan.FromSeconds(60))
    {
        protected override void AllReduceCore(Tensor values, ReduceOp op)
        {
            Assert.Equal(ReduceOp.Sum, op);

            // The last number stands for the metrics' names.
            using Tensor added = tensor([.. other, values[-1].item<double>() + (sameNames ? 0 : 1)], ScalarType.Float64);
            values.add_(added);
        }
    }
}
