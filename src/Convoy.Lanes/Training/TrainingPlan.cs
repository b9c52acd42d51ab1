namespace Convoy.Lanes.Training;

/// <summary>
/// When things happen in a run: which epoch a step is in, when an update and a checkpoint are due, and the learning
/// rate. Everything follows from the step's number, so a run that resumes at a step goes on as if it had never stopped.
/// </summary>
public sealed class TrainingPlan
{
    private readonly TrainingOptions _options;
    private readonly LearningRateSchedule _schedule;

    /// <summary>Plans a run.</summary>
    /// <param name="options">The run's settings.</param>
    /// <param name="frames">Frames in the training data.</param>
    /// <exception cref="BadInputException">There are fewer frames than one step needs.</exception>
    public TrainingPlan(TrainingOptions options, int frames)
    {
        _options = options;
        StepsPerEpoch = frames / options.BatchSize;
        if (StepsPerEpoch == 0)
        {
            throw new BadInputException("too few training frames for one step", $"{frames} frames, batch size {options.BatchSize}", "Give more data, a smaller --batch-size or a smaller --val-split.");
        }

        Steps = options.Steps ?? (long)options.Epochs * StepsPerEpoch;
        long updates = UpdatesIn(Math.Max(options.ScheduleSteps ?? Steps, Steps));
        long warmup = options.WarmupUpdates ?? Math.Min(500, updates / 20);
        _schedule = new LearningRateSchedule(options.PeakLr, updates, Math.Min(warmup, updates));
    }

    /// <summary>Steps of the whole run.</summary>
    public long Steps { get; }

    /// <summary>Whole batches in one pass over the data; frames that do not fill one wait for the next epoch's order.</summary>
    public int StepsPerEpoch { get; }

    /// <summary>Whether the run writes checkpoints at all.</summary>
    public bool KeepsCheckpoints => _options.KeepCheckpoints > 0;

    /// <summary>The epoch, from 0, of the step that follows <paramref name="stepsDone"/> steps.</summary>
    public int EpochAfter(long stepsDone) => (int)(stepsDone / StepsPerEpoch);

    /// <summary>Batches of that epoch that are done after <paramref name="stepsDone"/> steps.</summary>
    public int BatchesDoneInEpochAfter(long stepsDone) => (int)(stepsDone % StepsPerEpoch);

    /// <summary>Whether step <paramref name="step"/> (from 1) ends with an update. The last step always does.</summary>
    public bool IsUpdate(long step) => step % _options.Accumulate == 0 || step == Steps;

    /// <summary>Whether a checkpoint follows the update of step <paramref name="step"/>: at the first update at or after each multiple of the interval.</summary>
    public bool IsCheckpoint(long step)
    {
        if (!KeepsCheckpoints || step == Steps)
        {
            return KeepsCheckpoints;
        }

        long every = _options.CheckpointEvery;
        long previousUpdate = (step - 1) / _options.Accumulate * _options.Accumulate;
        return every > 0 && IsUpdate(step) && step / every > previousUpdate / every;
    }

    /// <summary>The learning rate of the update that step <paramref name="step"/> (from 1) belongs to.</summary>
    public double LearningRate(long step) => _schedule.At((step - 1) / _options.Accumulate);

    private long UpdatesIn(long steps) => (steps + _options.Accumulate - 1) / _options.Accumulate;
}
