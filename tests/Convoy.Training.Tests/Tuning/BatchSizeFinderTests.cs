using Convoy.Distributed;
using Convoy.Distributed.Backends.Single;
using Convoy.Training.Measurement;
using Convoy.Training.Tuning;
using static TorchSharp.torch;

namespace Convoy.Training.Tests.Tuning;

public sealed class BatchSizeFinderTests
{
    [Theory]
    [InlineData(1000, 37, 10_000)]
    [InlineData(1000, 1, 10_000)]
    [InlineData(0, 100, 100_000)]
    [InlineData(9000, 300, 10_000)] // hardly more than what is fixed
    [InlineData(5000, 4000, 30_000)]
    public void Find_OnALinearMachine_IsTheClosedFormOrOneLess(long fixedBytes, long sampleBytes, long limit)
    {
        var machine = new MadeUpMemory(size => fixedBytes + (sampleBytes * size), limit);

        FoundBatchSize found = machine.Find(new() { MemoryLimitBytes = limit });

        int largest = (int)((limit - fixedBytes) / sampleBytes);
        Assert.InRange(found.BatchSize, largest - 1 - (largest / 100), largest);
        Assert.Equal(fixedBytes + (sampleBytes * found.BatchSize), found.PeakMemoryBytes);
        Assert.Equal(limit, found.MemoryLimitBytes);
        Assert.All(found.Trials, trial => Assert.True(trial.Fits)); // nothing beyond the limit was even tried
    }

    [Fact]
    public void Find_MemoryThatJumps_IsWhatWasMeasuredToFit()
    {
        // Convolutions choose another kernel from 40 samples up, which takes half as much again.
        static long Peak(int size) => 1000 + (size < 40 ? 100 * size : 150 * size);
        var machine = new MadeUpMemory(Peak, limit: 6000);

        FoundBatchSize found = machine.Find(new() { MemoryLimitBytes = 6000 });

        Assert.InRange(found.BatchSize, 30, 39);
        Assert.True(found.PeakMemoryBytes <= 6000);
    }

    [Fact]
    public void Find_AMultipleAndAMost_KeepsToThem()
    {
        var machine = new MadeUpMemory(size => 10 * size, limit: 1_000_000);

        FoundBatchSize found = machine.Find(new() { MemoryLimitBytes = 1_000_000, Multiple = 8, MaxBatchSize = 100 });

        Assert.Equal([8, 16, 32, 64, 96], found.Trials.Select(trial => trial.BatchSize));
        Assert.Equal(96, found.BatchSize);
        Assert.Equal([8, 8, 16, 16, 32, 32, 64, 64, 96, 96], machine.Steps); // two steps each
    }

    [Fact]
    public void Find_PeakCannotBeForgotten_StopsAtWhatWasMeasuredBefore()
    {
        var machine = new MadeUpMemory(size => size < 30 ? 100 * size : 1000 * size, limit: 3500) { Forgets = false };

        FoundBatchSize found = machine.Find(new() { MemoryLimitBytes = 3500 });

        Assert.Equal(16, found.BatchSize);
        Assert.Equal([true, true, true, true, false], found.Trials.Select(trial => trial.Fits));
    }

    [Fact]
    public void Find_FirstBatchTooLarge_NamesWhatItNeeds()
    {
        var machine = new MadeUpMemory(_ => 3L << 30, limit: long.MaxValue);

        BadInputException error = Assert.Throws<BadInputException>(() => machine.Find(new() { MemoryLimitBytes = 2L << 30 }));

        Assert.Equal(
            "not even the first batch fits into memory (batch size 2 needs 3.00 GiB in each process, the limit is 2.00 GiB). Start with a smaller batch, fewer processes or a smaller model.",
            error.Message);
    }

    [Fact]
    public void Find_OnTwoRanks_GoesByTheOneThatNeedsMoreAndTheOneThatMayTakeLess()
    {
        // The other rank needs twice as much, and may take four fifths.
        var machine = new MadeUpMemory(size => 500 + (10 * size), limit: long.MaxValue);
        using var group = new PairGroup();

        FoundBatchSize found = machine.Find(new() { MemoryLimitBytes = 10_000 }, group);

        Assert.InRange(found.BatchSize, 349, 350); // (8000 - 1000) / 20
        Assert.Equal(1000 + (20 * found.BatchSize), found.PeakMemoryBytes);
        Assert.Equal(8000, found.MemoryLimitBytes);
    }

    [Fact]
    public void Find_OutOfRange_IsRefused()
    {
        using var group = new ProcessGroupSingle();

        Assert.Throws<ArgumentOutOfRangeException>(() => new BatchSizeFinder(group) { InitialBatchSize = 0 }.Find(_ => { }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BatchSizeFinder(group) { MaxBatchSize = 1 }.Find(_ => { }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BatchSizeFinder(group) { StepsPerTrial = 0 }.Find(_ => { }));
    }

    [Fact]
    public void Find_OfThisProcess_StopsWhereTheArraysOfAStepFillTheLimit()
    {
        // Each sample is 32 MiB that the step writes to, beside which the process's own memory moves little; the limit leaves room for 20 of them and a little.
        const int sample = 32 << 20;
        using var group = new ProcessGroupSingle();
        Step(2); // libtorch's threads and the compiler take their memory now
        var memory = new PeakMemory();
        _ = memory.Forget();
        long limit = memory.ReadBytes() + (20L * sample) + (sample / 2);

        FoundBatchSize found = new BatchSizeFinder(group) { MemoryLimitBytes = limit, StepsPerTrial = 1 }.Find(Step);

        static void Step(int size)
        {
            using Tensor samples = ones(size, sample / 4);
        }

        Assert.InRange(found.BatchSize, 8, 24); // the test process's own memory moves, too
        Assert.True(found.PeakMemoryBytes <= limit);
    }

    /// <summary>A process whose peak is a function of its batch.</summary>
    private sealed class MadeUpMemory(Func<int, long> peak, long limit) : IPeakMemory
    {
        private long _peak;

        public bool Forgets { get; init; } = true;

        public List<int> Steps { get; } = [];

        public FoundBatchSize Find(Settings settings)
        {
            using var alone = new ProcessGroupSingle();
            return Find(settings, alone);
        }

        public FoundBatchSize Find(Settings settings, ProcessGroup group) =>
            new BatchSizeFinder(group, this) { MemoryLimitBytes = settings.MemoryLimitBytes ?? limit, Multiple = settings.Multiple, MaxBatchSize = settings.MaxBatchSize }.Find(size =>
            {
                Steps.Add(size);
                _peak = Math.Max(_peak, peak(size));
            });

        public bool Forget()
        {
            _peak = Forgets ? 0 : _peak;
            return Forgets;
        }

        public long ReadBytes() => _peak;
    }

    /// <summary>Rank 0 of two.</summary>
    private sealed class PairGroup() : ProcessGroup(0, 2, TimeSpan.FromSeconds(60))
    {
        protected override void AllReduceCore(Tensor values, ReduceOp op) => values.mul_(op == ReduceOp.Max ? 2 : 0.8);
    }

    private sealed record Settings
    {
        public long? MemoryLimitBytes { get; init; }

        public int Multiple { get; init; } = 1;

        public int MaxBatchSize { get; init; } = 1 << 20;
    }
}
