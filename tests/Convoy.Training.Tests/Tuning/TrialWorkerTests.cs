using System.Text.Json.Nodes;
using Convoy.Distributed.Backends.Single;
using Convoy.Metrics;
using Convoy.Training.Measurement;
using Convoy.Training.Options;
using Convoy.Training.Runs;
using Convoy.Training.Tuning;

namespace Convoy.Training.Tests.Tuning;

/// <summary>A process of a group of trials, with a training run that is made up: a tenth of a second a step, and memory that is a function of the batch.</summary>
public sealed class TrialWorkerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("convoy-trials-").FullName;
    private readonly List<TrainingOptions> _trained = [];
    private TrainingEvent[] _remarks = [];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Run_MemoryForAll_MakesEachTrialAfterOneLookAtASmallBatch()
    {
        List<TrialEvent> told = Run(limit: 1_000_000, b => 100 + (100 * b), 4, 8);

        Assert.Equal([2, 4, 8], _trained.Select(options => options.BatchSize));
        Assert.Equal(["Measured", "Measured"], told.Select(e => e.End).OfType<string>());
        Assert.Equal([500, 900], told.Where(e => e.End is not null).Select(e => e.PeakMemoryBytes!.Value));
        Assert.Equal([(2, 300), (4, 500), (8, 900)], told.Where(e => e.LocalBatchSize is not null).Select(e => (e.LocalBatchSize!.Value, e.PeakMemoryBytes!.Value)));
    }

    [Fact]
    public void Run_TooLittleMemoryForALargeBatch_DoesNotBeginIt()
    {
        List<TrialEvent> told = Run(limit: 800, b => 100 + (100 * b), 2, 4, 16);

        Assert.DoesNotContain(16, _trained.Select(options => options.BatchSize));
        Assert.Equal(["Measured", "Measured", "OverMemory"], told.Select(e => e.End).OfType<string>());
        Assert.Equal(1700, told[^1].PeakMemoryBytes); // by the line through the others
        Assert.DoesNotContain(told, e => e is { Trial: 2, UpdateSeconds: not null });
    }

    [Fact]
    public void Run_MoreMemoryThanTheSmallerBatchesSaid_EndsTheTrialAsOver()
    {
        List<TrialEvent> told = Run(limit: 1200, b => b < 8 ? 100 + (100 * b) : 2000, 2, 4, 8);

        Assert.Equal(["Measured", "Measured", "OverMemory"], told.Select(e => e.End).OfType<string>());
        Assert.Equal(2000, told[^1].PeakMemoryBytes);
    }

    [Fact]
    public void Run_Accumulation_CountsWholeUpdates()
    {
        List<TrialEvent> told = Run(limit: null, b => b, (4, 4));

        Assert.Equal([4], _trained.Select(options => options.BatchSize));
        double update = Assert.Single(told, e => e.UpdateSeconds is not null).UpdateSeconds!.Value;
        Assert.Equal(0.4, update, 1e-9); // of four steps; the first update is the warm-up
    }

    [Fact]
    public void Run_TrialsThatChooseKernels_TellsTheFirstNoteAndAllWarnings()
    {
        _remarks = [new TrainingEvent { Note = "Choosing ..." }, new TrainingEvent { Note = "Chosen in 3 s" }, new TrainingEvent { Warning = "the choice cannot be kept" }];

        List<TrialEvent> told = Run(limit: null, b => b, 4);

        Assert.Equal([new TrialEvent(0, Remark: "Choosing ..."), new TrialEvent(0, Remark: "the choice cannot be kept")], told.Take(2));
        Assert.Equal("Measured", told[^1].End);
    }

    private List<TrialEvent> Run(long? limit, Func<int, long> peak, params int[] batches) => Run(limit, peak, [.. batches.Select(size => (size, 1))]);

    private List<TrialEvent> Run(long? limit, Func<int, long> peak, params (int Size, int Accumulate)[] batches)
    {
        var folder = new TrialFolder(_folder);
        folder.Write(
            batches.Select(batch => new RunConfiguration(new TrainingOptions { Nproc = 1, Threads = 1, BatchSize = batch.Size, Accumulate = batch.Accumulate, Steps = 100 }, new JsonObject())),
            new TrialAllowance { SecondsEach = 0.35, SecondsLeft = 60, Memory = limit is { } bytes ? new TrialMemory(bytes, 0, []) : null });
        var told = new List<TrialEvent>();
        using var group = new ProcessGroupSingle();
        var memory = new MadeUpMemory();
        var worker = new TrialWorker(folder, group, memory, line => told.Add(TrialEvent.FromLine(line)!), (configuration, _, events, stop) =>
        {
            _trained.Add(configuration.Training);
            Array.ForEach(_remarks, events.Report);
            for (int step = 1; step <= configuration.Training.Steps && !stop.IsCancellationRequested; step++)
            {
                memory.Use(peak(configuration.Training.BatchSize));
                events.Report(new TrainingEvent { Step = new StepMetrics { Timestamp = DateTimeOffset.UnixEpoch, Rank = 0, Step = step, Loss = 1, LearningRate = 0.1, WorldSize = 1, ElapsedTime = step * 0.1, BatchSize = configuration.Training.BatchSize, StepTime = 0.1 } });
            }
        });

        Assert.True(worker.Run(CancellationToken.None));
        return told;
    }

    private sealed class MadeUpMemory : IPeakMemory
    {
        private long _peak;

        public void Use(long bytes) => _peak = Math.Max(_peak, bytes);

        public bool Forget()
        {
            _peak = 0;
            return true;
        }

        public long ReadBytes() => _peak;
    }
}
