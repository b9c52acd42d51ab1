using System.Text.Json;
using Convoy.Training.Options;
using Convoy.Training.Runs;
using Convoy.Training.Measurement;
using Convoy.Distributed;

namespace Convoy.Training.Tuning;

/// <summary>
/// One process of a group of trials: trains each for a few steps. Rank 0 decides when a trial ends, and tells what it measured. What memory a trial takes is known to all ranks, who come to the same
/// decisions by it: one that would take more than there may be is not begun, as the system would kill the process.
/// </summary>
/// <param name="folder">What to do.</param>
/// <param name="group">The ranks.</param>
/// <param name="memory">This process's memory.</param>
/// <param name="tell">Told, on rank 0, one line an event.</param>
/// <param name="train">Trains this rank's part of a run.</param>
internal sealed class TrialWorker(TrialFolder folder, ProcessGroup group, IPeakMemory memory, Action<string> tell, Action<RunConfiguration, RunDirectory, IProgress<TrainingEvent>, CancellationToken> train)
{
    // An optimizer makes its state in the first, so the second one's peak is the highest.
    private const int ProbeSteps = 2;

    private readonly RankAgreement _ranks = new(group);
    private int _probes;

    /// <summary>Makes the trials for which there is time and memory.</summary>
    /// <returns>Whether it was not asked to stop before the last.</returns>
    public bool Run(CancellationToken stop)
    {
        TrialAllowance allowance = folder.ReadAllowance();
        var judge = new TrialJudge(allowance);
        _ = memory.Forget();
        long idle = (long)_ranks.Largest(memory.ReadBytes());
        MemoryGauge? gauge = allowance.Memory is { } known ? new MemoryGauge(known, idle) : null;
        bool isFirst = true;
        foreach ((int number, RunDirectory run) in folder.Runs().Index())
        {
            RunConfiguration configuration = run.ReadConfig();
            double? needed = NeededBytes(gauge, number, configuration, stop);
            if (AnyRankStops(stop))
            {
                return false;
            }

            if (needed is not null)
            {
                Tell(new TrialEvent(number, End: nameof(TrialEnd.OverMemory), PeakMemoryBytes: (long)needed));
                continue;
            }

            _ = memory.Forget();
            using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
            var watcher = new Watcher(number, configuration.Training, isFirst ? allowance.FirstWarmupSteps : allowance.WarmupSteps, judge, () => memory.ReadBytes() > gauge?.LimitBytes, end.Cancel, tell);
            train(configuration, run, watcher, end.Token);
            isFirst = false;

            long peak = Measured(gauge, number, configuration.Training);
            if (group.Rank == 0)
            {
                watcher.Finish(stopped: stop.IsCancellationRequested, peak, isOver: peak > gauge?.LimitBytes);
            }
        }

        return true;
    }

    // What the trial would need where that is more than there may be; null where it fits. Smaller batches are measured first where nothing else tells.
    private double? NeededBytes(MemoryGauge? gauge, int number, RunConfiguration configuration, CancellationToken stop)
    {
        TrainingOptions options = configuration.Training;
        while (gauge?.Judge(Family(options), options.LocalBatchSize) is { } verdict && verdict != MemoryVerdict.Fits)
        {
            if (verdict.ProbeSize is not { } size)
            {
                return verdict.NeededBytes;
            }

            if (AnyRankStops(stop))
            {
                break;
            }

            TrainingOptions smaller = options with { BatchSize = size * options.Nproc, Accumulate = 1, Steps = ProbeSteps };
            RunDirectory run = folder.Probe(_probes++);
            Directory.CreateDirectory(run.Root); // whichever rank comes first
            _ = memory.Forget();
            train(configuration with { Training = smaller }, run, new Remarks(number, tell), stop);
            _ = Measured(gauge, number, smaller);
        }

        return null;
    }

    private long Measured(MemoryGauge? gauge, int number, TrainingOptions options)
    {
        long peak = (long)_ranks.Largest(memory.ReadBytes());
        gauge?.Add(Family(options).Point(options.LocalBatchSize, peak));
        Tell(new TrialEvent(number, LocalBatchSize: options.LocalBatchSize, PeakMemoryBytes: peak));
        return peak;
    }

    private static MemoryFamily Family(TrainingOptions options) => new(options.Nproc, options.Precision, options.ChannelsLast);

    private void Tell(TrialEvent what)
    {
        if (group.Rank == 0)
        {
            tell(what.ToLine());
        }
    }

    private bool AnyRankStops(CancellationToken stop) => _ranks.Largest(stop.IsCancellationRequested ? 1 : 0) > 0;

    // Of what a trial does besides its steps people get to know the first, as that it chooses kernels, and whatever they should not miss.
    private sealed class Remarks(int trial, Action<string> tell) : IProgress<TrainingEvent>
    {
        private bool _noted;

        public void Report(TrainingEvent value)
        {
            if (value.Warning is not null || (value.Note is not null && !_noted))
            {
                _noted |= value.Note is not null;
                tell(new TrialEvent(trial, Remark: value.Warning ?? value.Note).ToLine());
            }
        }
    }

    private sealed class Watcher(int trial, TrainingOptions options, int warmupSteps, TrialJudge judge, Func<bool> isOverMemory, Action end, Action<string> tell) : IProgress<TrainingEvent>
    {
        private readonly TrainingBatch _batch = new(options.BatchSize, options.Accumulate);
        private readonly List<double> _updates = [];
        private readonly Remarks _remarks = new(trial, tell);
        private double _update;
        private TrialEnd? _judgement;

        public void Report(TrainingEvent value)
        {
            if (value.Step is not { StepTime: { } seconds } step)
            {
                _remarks.Report(value);
                return;
            }

            if (isOverMemory())
            {
                _judgement = TrialEnd.OverMemory;
                end();
            }

            if (step.Step <= TrialJudge.LeastUpdates(warmupSteps, _batch) * (long)_batch.Accumulate)
            {
                return;
            }

            _update += seconds;
            if (step.Step % _batch.Accumulate == 0)
            {
                _updates.Add(_update);
                tell(new TrialEvent(trial, _update).ToLine());
                _update = 0;
                _judgement ??= judge.Judge(_updates, _batch);
            }

            if (_judgement is not null)
            {
                end();
            }
        }

        public void Finish(bool stopped, long peakBytes, bool isOver)
        {
            TrialEnd how = isOver ? TrialEnd.OverMemory : _judgement ?? (stopped ? TrialEnd.NotTried : TrialEnd.Measured);
            if (how != TrialEnd.OverMemory)
            {
                judge.Finish(_updates, _batch);
            }

            tell(new TrialEvent(trial, End: how.ToString(), PeakMemoryBytes: peakBytes).ToLine());
        }
    }
}

/// <summary>What rank 0 of a trial's processes tells: one line of JSON on standard output.</summary>
/// <param name="Trial">The trial's number within the group, from 0.</param>
/// <param name="UpdateSeconds">Seconds of an update that counts; null when the line tells something else.</param>
/// <param name="End">How the trial ended, by its name; null while it goes on.</param>
/// <param name="PeakMemoryBytes">The largest of the ranks' peaks: with an end that of the trial, else that of <paramref name="LocalBatchSize"/>.</param>
/// <param name="LocalBatchSize">The samples of a step in each process that took <paramref name="PeakMemoryBytes"/>; null when the line tells something else.</param>
/// <param name="Remark">What people should see; null when the line tells something else.</param>
internal sealed record TrialEvent(int Trial, double? UpdateSeconds = null, string? End = null, long? PeakMemoryBytes = null, int? LocalBatchSize = null, string? Remark = null)
{
    private const string Mark = "{\"Trial\":";

    /// <summary>The event as a line.</summary>
    public string ToLine() => JsonSerializer.Serialize(this);

    /// <summary>Reads a line of <see cref="ToLine"/>; null for any other line, such as one that another writer of the same output cut up.</summary>
    public static TrialEvent? FromLine(string line)
    {
        if (!line.StartsWith(Mark, StringComparison.Ordinal))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize<TrialEvent>(line) is { Trial: >= 0, UpdateSeconds: null or (> 0 and < double.PositiveInfinity), PeakMemoryBytes: null or > 0, LocalBatchSize: null or > 0 } told
                && (told.End is null || Enum.GetNames<TrialEnd>().Contains(told.End))
                ? told
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
