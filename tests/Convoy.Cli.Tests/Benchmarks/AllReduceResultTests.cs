using Convoy.Cli.Benchmarks;

namespace Convoy.Cli.Tests.Benchmarks;

public sealed class AllReduceResultTests
{
    [Fact]
    public void Of_Times_GivesMedianAndShares()
    {
        double[] seconds = [.. Enumerable.Range(1, 10).Reverse().Select(i => (double)i)];

        Assert.Equal(new AllReduceTimes(64, "buffer", 10, 5.5, 1, 9, 5.5), AllReduceTimes.Summarize(64, "buffer", seconds));
        Assert.Equal(new AllReduceTimes(64, "tensor", 1, 3, 3, 3, 3), AllReduceTimes.Summarize(64, "tensor", [3]));
    }

    [Fact]
    public void Of_BeyondTheCache_HasTheLimitOfReadingAndWritingEverythingOnce()
    {
        var times = new AllReduceTimes(1_000_000_000, "buffer", 3, MedianSeconds: 0.5, 0.4, 0.6, 0.5);

        AllReduceResult result = AllReduceResult.Summarize(times, processes: 4, updateBytesPerSecond: 32e9, cacheBytes: 32 << 20);

        Assert.Equal(2, result.AlgorithmGigabytesPerSecond, 9);
        Assert.Equal(3, result.BusGigabytesPerSecond, 9); // 2 (N - 1) / N
        Assert.Equal(0.25, result.LimitSeconds!.Value, 9); // 2 x 4 x 1 GB at 32 GB/s
        Assert.Equal(2, result.TimesLimit!.Value, 9);
    }

    [Fact]
    public void Of_InTheCache_HasNoLimit()
    {
        var times = new AllReduceTimes(1 << 20, "buffer", 3, 1e-3, 1e-3, 1e-3, 1e-3);

        AllReduceResult result = AllReduceResult.Summarize(times, processes: 2, updateBytesPerSecond: 32e9, cacheBytes: 32 << 20);

        Assert.Null(result.LimitSeconds);
        Assert.Null(result.TimesLimit);
    }
}
