using Convoy.Training.Options;
using Convoy.Training.Tasks;

namespace Convoy.Training.Runs;

/// <summary>
/// When things happen in a run: which epoch a step is in, when an update, an evaluation and a checkpoint are due, and the learning
/// rate. Everything follows from the step's number, so a run that resumes at a step goes on as if it had never stopped.
/// </summary>
public sealed class TrainingPlan
{
    private readonly TrainingOptions _options;
    private readonly ILearningRateSchedule _schedule;

    /// <summary>Plans a run.</summary>
    /// <param name="options">The run's settings.</param>
    /// <param name="samples">Samples in the training data.</param>
    /// <param name="schedule">The learning rates for the settings and a number of updates; null for <see cref="WarmupCosine"/>.</param>
    /// <exception cref="BadInputException">There are fewer samples than one step needs.</exception>
    public TrainingPlan(TrainingOptions options, int samples, Func<TrainingOptions, long, ILearningRateSchedule>? schedule = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        StepsPerEpoch = samples / options.BatchSize;
        if (StepsPerEpoch == 0)
        {
            throw new BadInputException("too few training samples for one step", $"{samples} samples, batch size {options.BatchSize}", "Give more data, a smaller --batch-size or hold out less.");
        }

        Steps = options.Steps ?? (long)options.Epochs * StepsPerEpoch;
        _schedule = (schedule ?? WarmupCosine.Create)(options, UpdatesIn(Math.Max(options.ScheduleSteps ?? Steps, Steps)));
    }

    /// <summary>Steps of the whole run.</summary>
    public long Steps { get; }

    /// <summary>Whole batches in one pass over the data; samples that do not fill one wait for the next epoch's order.</summary>
    public int StepsPerEpoch { get; }

    /// <summary>Whether the run writes checkpoints at all.</summary>
    public bool KeepsCheckpoints => _options.KeepCheckpoints > 0;

    /// <summary>The epoch, from 0, of the step that follows <paramref name="stepsDone"/> steps.</summary>
    public int EpochAfter(long stepsDone) => (int)(stepsDone / StepsPerEpoch);

    /// <summary>Batches of that epoch that are done after <paramref name="stepsDone"/> steps.</summary>
    public int BatchesDoneInEpochAfter(long stepsDone) => (int)(stepsDone % StepsPerEpoch);

    /// <summary>What is due in step <paramref name="step"/> (from 1).</summary>
    public PlannedStep At(long step) => new(step, IsUpdate(step), LearningRate(step));

    /// <summary>Whether step <paramref name="step"/> (from 1) ends with an update. The last step always does.</summary>
    public bool IsUpdate(long step) => step % _options.Accumulate == 0 || step == Steps;

    /// <summary>Whether a checkpoint follows the update of step <paramref name="step"/>: at the first update at or after each multiple of the interval.</summary>
    public bool IsCheckpoint(long step) => KeepsCheckpoints && (step == Steps || IsDue(step, _options.CheckpointEvery));

    /// <summary>Whether an evaluation follows the update of step <paramref name="step"/>. A run that keeps no checkpoint is measured, and not evaluated.</summary>
    /// <param name="step">The step, from 1.</param>
    /// <param name="atEnd">Whether the last step has one where no interval is set.</param>
    public bool IsEvaluation(long step, bool atEnd) => KeepsCheckpoints && (step == Steps ? atEnd || _options.EvalEvery > 0 : IsDue(step, _options.EvalEvery));

    /// <summary>The learning rate of the update that step <paramref name="step"/> (from 1) belongs to.</summary>
    public double LearningRate(long step) => _schedule.At((step - 1) / _options.Accumulate);

    private bool IsDue(long step, long every)
    {
        long previousUpdate = (step - 1) / _options.Accumulate * _options.Accumulate;
        return every > 0 && IsUpdate(step) && step / every > previousUpdate / every;
    }

    private long UpdatesIn(long steps) => (steps + _options.Accumulate - 1) / _options.Accumulate;
}

/// <summary>A step as the plan has it.</summary>
/// <param name="Number">The step, from 1.</param>
/// <param name="IsUpdate">Whether it ends with an update.</param>
/// <param name="LearningRate">The learning rate of that update.</param>
public readonly record struct PlannedStep(long Number, bool IsUpdate, double LearningRate);
