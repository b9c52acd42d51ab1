using System.Diagnostics;

namespace Convoy.Metrics.Tests;

public sealed class ProcessUsageTests
{
    [Fact]
    public void Since_AfterWork_CountsItsProcessorTime()
    {
        ProcessUsage before = ProcessUsage.Read();
        TimeSpan known = Environment.CpuUsage.TotalTime;
        var clock = Stopwatch.StartNew();
        while ((Environment.CpuUsage.TotalTime - known).TotalSeconds < 0.1 && clock.Elapsed.TotalSeconds < 60)
        {
        }

        double used = ProcessUsage.Read().Since(before).CpuSeconds;

        // Other tests' threads may compute meanwhile, and the kernel counts in ticks.
        Assert.InRange(used, 0.09, 60);
    }

    [Fact]
    public void Read_OfThisProcess_HasThePeakThatTheSystemNames()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The peak is compared with Linux's own.");
        byte[] held = new byte[64 << 20];
        Array.Fill(held, (byte)1);
        long named = long.Parse(File.ReadLines("/proc/self/status").Single(l => l.StartsWith("VmHWM:", StringComparison.Ordinal)).Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture) * 1024;

        long peak = ProcessUsage.Read().PeakMemoryBytes!.Value;

        // The kernel gathers resident pages by thread and may be some behind; the shell that started this program may have been larger.
        Assert.True(peak > named - (8 << 20) && peak >= held.Length, $"{peak} and {named}");
        GC.KeepAlive(held);
    }

    [Fact]
    public void Since_AfterWaiting_CountsVoluntarySwitches()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "Only these systems tell.");
        ProcessUsage before = ProcessUsage.Read();
        using var never = new ManualResetEventSlim();
        for (int i = 0; i < 20; i++)
        {
            never.Wait(TimeSpan.FromMilliseconds(2), TestContext.Current.CancellationToken);
        }

        ProcessUsage used = ProcessUsage.Read().Since(before);

        Assert.InRange(used.ContextSwitches!.Value.Voluntary, 10, long.MaxValue);
        Assert.InRange(used.ContextSwitches.Value.Involuntary, 0, long.MaxValue);
    }

    [Fact]
    public void Since_OfKnownReadings_IsTheirDifferenceAndTheLatestPeak()
    {
        var earlier = new ProcessUsage(1.5, 100, new ContextSwitches(3, 4));
        var later = new ProcessUsage(2.25, 300, new ContextSwitches(10, 6));

        Assert.Equal(new ProcessUsage(0.75, 300, new ContextSwitches(7, 2)), later.Since(earlier));
        Assert.Equal(new ProcessUsage(0.75, 300, null), later.Since(earlier with { ContextSwitches = null }));
    }
}
