using Convoy.Training.Tuning;

namespace Convoy.Training.Tests.Tuning;

public sealed class MemoryGaugeTests
{
    private static readonly MemoryFamily Fp32 = new(2, Precision.Fp32, true);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Judge_NothingKnownAndASmallBatch_TriesIt(int batch) => Assert.Equal(MemoryVerdict.Fits, Gauge(1000).Judge(Fp32, batch));

    [Fact]
    public void Judge_NothingKnown_WantsTwoSamplesFirst() => Assert.Equal(MemoryVerdict.TryFirst(2), Gauge(1000).Judge(Fp32, 8));

    [Fact]
    public void Judge_MuchMemory_NeedsNoMoreThanOneBatch() => Assert.Equal(MemoryVerdict.Fits, Gauge(2000, (2, 500)).Judge(Fp32, 8));

    [Fact]
    public void Judge_OneBatchDoesNotTell_WantsTheLargestThatSurelyFits() => Assert.Equal(MemoryVerdict.TryFirst(3), Gauge(800, (2, 500)).Judge(Fp32, 8));

    [Fact]
    public void Judge_OneBatchAlmostAtTheLimit_WantsASmallerOneWhichTellsWhatIsFixed() => Assert.Equal(MemoryVerdict.TryFirst(1), Gauge(600, (2, 500)).Judge(Fp32, 8));

    [Fact]
    public void Judge_TheLineEndsAboveTheLimit_SaysWhatIsNeeded()
    {
        MemoryVerdict verdict = Gauge(600, (1, 400), (2, 500)).Judge(Fp32, 8);

        Assert.Equal(1100, verdict.NeededBytes!.Value, 1e-6); // 300 + 100 a sample
        Assert.Null(verdict.ProbeSize);
    }

    [Fact]
    public void Judge_TheLineEndsBelowTheLimit_Fits() => Assert.Equal(MemoryVerdict.Fits, Gauge(1200, (1, 400), (2, 500)).Judge(Fp32, 8));

    [Fact]
    public void Judge_ABatchThatTookTooMuch_IsTooLargeAlsoAsTheOnlyOneKnown() => Assert.Equal(MemoryVerdict.TooLarge(900), Gauge(800, (4, 900)).Judge(Fp32, 4));

    [Fact]
    public void Judge_ALargerBatchThatTookTooMuch_SaysNothingOfASmallOne() => Assert.Equal(MemoryVerdict.TryFirst(2), Gauge(800, (8, 900)).Judge(Fp32, 4));

    [Theory]
    [InlineData(3100, null)] // half as much again as proportional: 1.5 x 500 x 8 / 2
    [InlineData(2900, 2)]
    public void Judge_AnotherPrecisionIsKnown_CountsWithAMargin(long limit, int? probe) =>
        Assert.Equal(new MemoryVerdict(null, probe), Gauge(limit, (2, 500)).Judge(Fp32 with { Precision = Precision.Bf16 }, 8));

    private static MemoryGauge Gauge(long limit, params (int Batch, long Peak)[] known) =>
        new(new TrialMemory(limit, [.. known.Select(point => Fp32.Point(point.Batch, point.Peak))]), idleBytes: 0);
}
