using Convoy.Analysis.Bottlenecks;
using Convoy.Analysis.Reports;
using Convoy.Analysis.Runs;
using Convoy.Analysis.Tests.Planted;
using Convoy.Metrics;

namespace Convoy.Analysis.Tests.Conclusions;

/// <summary>Computing that takes longer, told apart by whether processes were on a core: made-up machines without noise, so that every second is known.</summary>
public sealed class ProcessorTimeTests
{
    private static readonly PlantedMachine Machine = new() { RecordsUsage = true, Noise = 0 };

    [Fact]
    public void Growth_WithoutProcessorTime_IsOtherPrograms()
    {
        // 8 s in 8 processes, each 7 x 0.1 s longer than its 1 s, and on a core for 1 s.
        Conclusion found = Assert.Single(Explain(Machine with { Stolen = 0.1 }));

        Assert.Equal((ComputeGrowthRule.NotScheduled, "Other programs had the cores"), (found.Kind, found.Title));
        Assert.Equal(0.7, found.LostSeconds, 1e-9);
        Assert.Equal(1, Number(found, "processor time of one process"), 1e-9);
        Assert.Equal(1, Number(found, "its share of the baseline's processor time"), 1e-9);

        // 0.7 s in turns of 10 ms, beside 2 a second: 73.4 of a step of 1.7 s, 3.4 in the baseline for as long.
        Assert.Equal(73, Number(found, "involuntary context switches of a process in a step"), 1e-9);
        Assert.Equal(3.4, Number(found, "the baseline's in as long a time"), 1e-9);
    }

    [Fact]
    public void Growth_WithAsMuchProcessorTime_IsMemory()
    {
        Conclusion found = Assert.Single(Explain(Machine with { Contention = 0.1 }));

        Assert.Equal(ComputeGrowthRule.MemoryContention, found.Kind);
        Assert.Equal(0.7, found.LostSeconds, 1e-9);
        Assert.Equal(1.7, Number(found, "processor time of one process"), 1e-9);
        Assert.Contains("Its processor time grows with it: it has its core, and waits there for memory.", found.Explanation, StringComparison.Ordinal);
    }

    [Fact]
    public void Growth_OfBoth_IsSharedOut()
    {
        IReadOnlyList<Conclusion> found = Explain(Machine with { Contention = 0.04, Stolen = 0.06 });

        Assert.Equal([ComputeGrowthRule.NotScheduled, ComputeGrowthRule.MemoryContention], found.Select(c => c.Kind));
        Assert.Equal([0.42, 0.28], found.Select(c => Math.Round(c.LostSeconds, 9)));
    }

    [Fact]
    public void Growth_OnNoCoreThatNobodyTook_IsWaiting()
    {
        Conclusion found = Assert.Single(Explain(Machine with { Stolen = 0.1, TurnSeconds = 0 }));

        Assert.Equal((ComputeGrowthRule.NotScheduled, "Waiting inside the computation"), (found.Kind, found.Title));
    }

    [Theory]
    [InlineData(0.4, 0, "Other programs had the cores")]
    [InlineData(0.3, 0.01, "Waiting inside the computation")]
    public void Growth_WithATimeInTheRunQueue_GoesByIt(double queued, double turn, string expected)
    {
        // Half of 0.7 s is 0.35 s, whatever the switches say.
        Conclusion found = Assert.Single(Explain(Machine with { Stolen = 0.1, TurnSeconds = turn }, run => run with
        {
            Usage = run.Usage with { QueueSeconds = queued },
            Ranks = [.. run.Ranks.Select(r => r with { Usage = r.Usage with { QueueSeconds = queued } })],
        }));

        Assert.Equal(expected, found.Title);
        Assert.Equal(queued, Number(found, "ready to run, without a core"));
    }

    [Fact]
    public void Growth_OnAMachineThatWasBusyBefore_IsOtherProgramsToo()
    {
        // As many switches a second as in the baseline, 30, which an idle machine has not.
        Conclusion found = Assert.Single(Explain(Machine with { Stolen = 0.1 }, run => run with
        {
            Usage = run.Usage with { InvoluntarySwitches = 30 * run.Samples[0] },
            Ranks = [.. run.Ranks.Select(r => r with { Usage = r.Usage with { InvoluntarySwitches = 30 * run.Samples[0] } })],
        }));

        Assert.Equal("Other programs had the cores", found.Title);
    }

    [Fact]
    public void Growth_WithoutRecordedSwitches_LeavesBothOpen()
    {
        Conclusion found = Assert.Single(Explain(Machine with { Stolen = 0.1 }, run => run with
        {
            Usage = run.Usage with { InvoluntarySwitches = null },
            Ranks = [.. run.Ranks.Select(r => r with { Usage = r.Usage with { InvoluntarySwitches = null } })],
        }));

        Assert.Equal("Not on a core", found.Title);
    }

    [Fact]
    public void Growth_WithoutARecordOfProcessorTime_IsWhatItWas()
    {
        Conclusion found = Assert.Single(Explain(Machine with { Stolen = 0.1, RecordsUsage = false }));

        Assert.Equal(ComputeGrowthRule.MemoryContention, found.Kind);
        Assert.StartsWith("Each process takes longer for the same number of images the more processes there are. It takes ", found.Explanation, StringComparison.Ordinal);
        Assert.Equal(3, found.Evidence.Count);
    }

    [Fact]
    public void Growth_OfAnOptimizerThatEveryProcessRepeats_IsNotOtherPrograms()
    {
        // 1 s of optimizer in every process: 2 s of processor time of 9 are expected in each of 8, and used.
        IReadOnlyList<Conclusion> found = Explain(Machine with { SerialSeconds = 1, Stolen = 0.1 });

        Conclusion stolen = found.Single(c => c.Kind == ComputeGrowthRule.NotScheduled);
        Assert.Equal(0.7, stolen.LostSeconds, 1e-9);
        Assert.Equal(2, Number(stolen, "its share of the baseline's processor time"), 1e-9);
    }

    [Theory]
    [InlineData(0.2, "and so do its cache misses", 2_400_000)]
    [InlineData(0.0, "but its cache misses do not", 1_000_000)]
    public void Contention_WithCacheMisses_SaysWhetherTheyRose(double growth, string expected, double misses)
    {
        Conclusion found = Assert.Single(Explain(Machine with { Contention = 0.1, MissGrowth = growth }));

        Assert.Contains(expected, found.Explanation, StringComparison.Ordinal);
        Assert.Equal(misses, Number(found, "cache misses of one process in a step"), 1);
        Assert.Equal(1_000_000, Number(found, "their share of the baseline's"), 1);
    }

    [Fact]
    public void Contention_OnHyperThreads_SaysThatTheyLookTheSame()
    {
        Conclusion found = Assert.Single(Explain(Machine with { Contention = 0.1 }, run => run with { Host = run.Host! with { PhysicalCores = 4 } }));

        Assert.Contains("Hyper-threads that share a core look the same", found.Explanation, StringComparison.Ordinal);
    }

    [Fact]
    public void Straggler_OnACoreForLess_HasOtherProgramsOnIt()
    {
        Conclusion own = Straggler(1.4), taken = Straggler(1);

        Assert.Contains("It has its core all that time", own.Explanation, StringComparison.Ordinal);
        Assert.Contains("For that time it is not on a core", taken.Explanation, StringComparison.Ordinal);
        Assert.Equal(1, Number(taken, "its processor time"));

        // 1.4 s in the last of 8 ranks, of which it is on a core for so many.
        static Conclusion Straggler(double cpu) => Explain(Machine with { StragglerExcess = 0.4 }, run => run with
        {
            Ranks = [.. run.Ranks.Select(r => r.Rank == 7 ? r with { Usage = r.Usage with { CpuSeconds = cpu } } : r)],
        }).Single(c => c.Kind == StragglerRule.Straggler);
    }

    [Fact]
    public void Oversubscription_HasProcessorTimeAsEvidence() => Assert.Contains(
        Explain(Machine with { Cores = 2 }).Single(c => c.Kind == OversubscriptionRule.Kind).Evidence,
        e => e.Name == "involuntary context switches of a process in a step");

    [Fact]
    public void Usage_OfSteps_LeavesTheWarmUpOut()
    {
        StepMetrics[] steps = [.. Enumerable.Range(1, 4).Select(i => new StepMetrics
        {
            Timestamp = DateTimeOffset.UnixEpoch.AddSeconds(i),
            Rank = 0,
            Step = i,
            Loss = 1,
            BatchSize = 2,
            LearningRate = 0.1,
            ElapsedTime = i,
            StepTime = 1,
            CpuTime = i,
            PeakMemoryBytes = 100 - i,
            ContextSwitches = new ContextSwitches(10 * i, i),
            RunQueueTime = i / 4.0,
            Counters = new CounterReading(1000 * i, i == 4 ? null : 7),
        })];

        Run run = Run.FromSteps(new Configuration(1), [steps], 1, warmUpSteps: 2);

        Assert.Equal(new StepUsage(3.5, 99, 35, 3.5, 0.875, 3500, 7), run.Usage);
    }

    private static double Number(Conclusion conclusion, string evidence) => conclusion.Evidence.Single(e => e.Name == evidence).Value;

    private static IReadOnlyList<Conclusion> Explain(PlantedMachine machine, Func<Run, Run>? change = null) =>
        ReportBuilder.Build(RunSet.From([.. machine.Measure(1, 1, 8).Runs.Select(run => change?.Invoke(run) ?? run)]), new ReportOptions()).Conclusions;
}
