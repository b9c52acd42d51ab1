using System.Diagnostics;

namespace Convoy.Metrics.Tests;

public sealed class PerformanceCountersTests
{
    private const int Pages = 512, PageBytes = 4096;

    [Fact]
    public void Read_OfEventsOfTheKernel_CountsThreadsOldAndNew()
    {
        // The same calls as for the processor's events, which virtual machines do not have: nanoseconds on a core and page faults.
        using var begin = new ManualResetEventSlim();
        var old = new Thread(() =>
        {
            begin.Wait(TestContext.Current.CancellationToken);
            Compute();
        });
        old.Start();
        using var counters = PerformanceCounters.Open(CounterEvent.TaskClock, CounterEvent.PageFaults);
        CounterReading? before = counters.Read();
        begin.Set();
        old.Join();
        var young = new Thread(Compute);
        young.Start();
        young.Join();
        Assert.SkipWhen(counters.Refusal is not null, counters.Refusal ?? string.Empty);

        CounterReading counted = counters.Read()!.Value.Since(before!.Value);

        // The process was on cores for 60 ms while each of them computed.
        Assert.InRange(counted.CacheMisses, 100_000_000, long.MaxValue);
        Assert.InRange(counted.Instructions!.Value, 0, long.MaxValue);
    }

    [Fact]
    public void Read_OfPageFaults_CountsThePagesThatWereTouched()
    {
        using var counters = PerformanceCounters.Open(CounterEvent.PageFaults, CounterEvent.TaskClock);
        Assert.SkipWhen(counters.Refusal is not null, counters.Refusal ?? string.Empty);
        long before = counters.Read()!.Value.CacheMisses;
        using (var map = System.IO.MemoryMappedFiles.MemoryMappedFile.CreateNew(null, Pages * PageBytes))
        using (var view = map.CreateViewAccessor())
        {
            for (int page = 0; page < Pages; page++)
            {
                view.Write(page * PageBytes, (byte)1);
            }
        }

        // The kernel may map several pages for one fault, and other tests' threads have faults as well.
        Assert.InRange(counters.Read()!.Value.CacheMisses - before, Pages / 16, long.MaxValue);
    }

    [Fact]
    public void Read_OfTheProcessor_CountsMissesOfMemoryThatNoCacheHolds()
    {
        using var counters = PerformanceCounters.Open();
        Assert.SkipWhen(counters.Refusal is not null, counters.Refusal ?? string.Empty);
        byte[] memory = new byte[256 << 20];
        Array.Fill(memory, (byte)1);
        CounterReading before = counters.Read()!.Value;
        long sum = 0;

        // Line after line in an order that no prefetcher follows: 7919 is odd, so every line is met once.
        for (int line = 0, at = 0; line < memory.Length / 64; line++, at = (at + (7919 * 64)) & (memory.Length - 1))
        {
            sum += memory[at];
        }

        CounterReading counted = counters.Read()!.Value.Since(before);

        Assert.Equal(memory.Length / 64, sum);
        Assert.InRange(counted.CacheMisses, memory.Length / 64 / 10, long.MaxValue);
        Assert.True(counted.Instructions is null or > 1_000_000, $"{counted.Instructions}");
    }

    [Fact]
    public void Refusal_OfAnEventThatNoKernelHas_SaysSoAndReadsNothing()
    {
        using var counters = PerformanceCounters.Open(new CounterEvent(CounterType.Hardware, 12345), CounterEvent.TaskClock);

        Assert.Null(counters.Read());
        Assert.Contains(OperatingSystem.IsLinux() ? "cache misses" : "Linux", counters.Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void FindRefusal_OfThisMachine_IsThatOfTheCounters()
    {
        using var counters = PerformanceCounters.Open();

        Assert.Equal(counters.Refusal, PerformanceCounters.FindRefusal());
        Assert.Equal(counters.Refusal, HostProbe.Read().CounterRefusal);
    }

    [Fact]
    public void Since_OfKnownReadings_IsTheirDifference()
    {
        Assert.Equal(new CounterReading(7, 20), new CounterReading(10, 50).Since(new CounterReading(3, 30)));
        Assert.Equal(new CounterReading(7, null), new CounterReading(10, null).Since(new CounterReading(3, 30)));

        // Estimates, where counters take turns.
        Assert.Equal(new CounterReading(0, 0), new CounterReading(3, 30).Since(new CounterReading(10, 50)));
    }

    private static void Compute()
    {
        var clock = Stopwatch.StartNew();
        TimeSpan start = Environment.CpuUsage.UserTime;
        while ((Environment.CpuUsage.UserTime - start).TotalMilliseconds < 60 && clock.Elapsed.TotalSeconds < 60)
        {
        }
    }
}
