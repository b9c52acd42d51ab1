using Convoy.Distributed;
using Convoy.Metrics;
using Convoy.Training.Options;

namespace Convoy.Training.Runs;

/// <summary>What a run leaves behind and tells its watcher: every rank's steps, and on rank 0 the events, TensorBoard's file, the checkpoints and metrics.json.</summary>
internal sealed class RunRecorder : IDisposable
{
    private readonly RunDirectory _run;
    private readonly bool _isFirstRank;
    private readonly IProgress<TrainingEvent> _events;
    private readonly string _sampleNoun;
    private readonly ProcessGroup _group;
    private readonly StepMetricsLog? _log;
    private readonly TensorBoardLog? _tensorBoard;

    // Steps of ranks that do not work in rank 0's folder: on such a rank those that rank 0 has not got yet, and on rank 0 their logs.
    private readonly List<StepMetrics> _unsent = [];
    private readonly Dictionary<int, StepMetricsLog> _logsElsewhere = [];

    public RunRecorder(RunDirectory run, ProcessGroup group, long stepsDone, string sampleNoun, IProgress<TrainingEvent> events)
    {
        _run = run;
        _group = group;
        _isFirstRank = group.Rank == 0;
        _events = events;
        _sampleNoun = sampleNoun;
        _log = run.Shared is null or { IsOriginal: true } ? new StepMetricsLog(run.MetricsLog(group.Rank), stepsDone, _isFirstRank ? RecordedElsewhere(stepsDone, group.Size) : []) : null;
        foreach (int rank in Enumerable.Range(0, _isFirstRank ? group.Size : 0).Where(rank => run.Shared?.IsOriginalOn(rank) == false))
        {
            _logsElsewhere[rank] = new StepMetricsLog(run.MetricsLog(rank), stepsDone);
        }

        _tensorBoard = _isFirstRank ? new TensorBoardLog(run.TensorBoard, sampleNoun) : null;
    }

    public void Start(TrainingStart start, IReadOnlyList<string> warnings)
    {
        foreach (string warning in warnings)
        {
            Tell(new TrainingEvent { Warning = warning });
        }

        Tell(new TrainingEvent { Started = start });
    }

    public void Add(StepMetrics step)
    {
        if (_log is null)
        {
            _unsent.Add(step);
        }

        _log?.Append(step);
        _tensorBoard?.Add(step);
        Tell(new TrainingEvent { Step = step });
    }

    /// <summary>Before a checkpoint is written: what each rank recorded up to here is on the disk. All ranks call it together.</summary>
    public void BeforeCheckpoint()
    {
        Collect();
        _log?.FlushToDisk();
        foreach (StepMetricsLog log in _logsElsewhere.Values)
        {
            log.FlushToDisk();
        }
    }

    /// <summary>A checkpoint was written.</summary>
    public void AddCheckpoint(string folder) => Tell(new TrainingEvent { Checkpoint = folder });

    /// <summary>Gathers rank 0's steps, also those of earlier sessions, into metrics.json. All ranks call it together.</summary>
    /// <param name="configuration">The run's settings.</param>
    /// <param name="launch">How the run is started again.</param>
    /// <param name="flopsPerSample">Floating-point operations of a step for one sample; null when not known.</param>
    /// <param name="kernels">Passes of convolutions by their kernels; null where there are none.</param>
    public void Finish(RunConfiguration configuration, LaunchRecord launch, double? flopsPerSample, IReadOnlyDictionary<string, int>? kernels)
    {
        Collect();
        Dispose();
        IReadOnlyList<StepMetrics> steps = _isFirstRank ? StepMetricsLog.Read(_run.MetricsLog(0)) : [];
        if (steps.Count > 0)
        {
            MetricsFile.Write(_run.Metrics, new RunMetrics
            {
                StartTime = steps[0].Timestamp - TimeSpan.FromSeconds(steps[0].StepTime ?? 0),
                EndTime = steps[^1].Timestamp,
                Config = configuration.ToJson(),
                Launch = launch,
                SampleNoun = _sampleNoun,
                FlopsPerSample = flopsPerSample,
                Kernels = kernels,
                Host = HostProbe.Read(),
                Metrics = steps,
            });
        }
    }

    /// <summary>Tells the watcher, on rank 0.</summary>
    public void Tell(TrainingEvent change)
    {
        if (_isFirstRank)
        {
            _events.Report(change);
        }
    }

    public void Dispose()
    {
        _log?.Dispose();
        foreach (StepMetricsLog log in _logsElsewhere.Values)
        {
            log.Dispose();
        }
    }

    // Rank 0 gets the steps that ranks elsewhere have recorded since the last time, so that a checkpoint's record is whole and the steps between two cost no message.
    private void Collect()
    {
        if (_run.Shared is null or { IsEverywhere: true })
        {
            return;
        }

        IReadOnlyList<StepMetrics[]>? told = _group.GatherObject(_unsent.ToArray(), root: 0);
        _unsent.Clear();
        foreach ((int rank, StepMetricsLog log) in _logsElsewhere)
        {
            foreach (StepMetrics step in told![rank])
            {
                log.Append(step);
            }
        }
    }

    // Loss, learning rate and batch of a step are the same on all ranks, so what rank 0's damaged file lost need not be missing.
    private List<StepMetrics> RecordedElsewhere(long stepsDone, int processes)
    {
        if (StepMetricsRecord.Read(_run.MetricsLog(0)).LastSoundStep is not { } sound || sound >= stepsDone)
        {
            return [];
        }

        var found = new List<StepMetrics>();
        if (File.Exists(_run.Metrics))
        {
            try
            {
                found.AddRange(MetricsFile.Read(_run.Metrics).Metrics);
            }
            catch (MetricsFormatException)
            {
                // It is damaged, too; it is rewritten at the run's end.
            }
        }

        return [.. found, .. Enumerable.Range(1, processes - 1).SelectMany(rank => StepMetricsRecord.Read(_run.MetricsLog(rank)).Steps)];
    }
}
