using Convoy.Distributed.Launch;
using Convoy.Training.Options;
using Convoy.Training.Workers;

namespace Convoy.Training.Studies;

/// <summary>Which runs a study has, in which order, and what each of them trains.</summary>
public sealed class StudyPlan
{
    /// <summary>The most steps that a run measures when time decides: enough for a narrow interval.</summary>
    public const int MostTimedSteps = 20;

    // Fewer say nothing of the spread.
    private const int LeastTimedSteps = 3;

    // Starting processes and loading libtorch; measured as 2 to 4 s.
    private const double StartSeconds = 4;

    private readonly StudySettings _settings;

    /// <summary>Plans a study.</summary>
    /// <param name="settings">Its settings, in their ranges.</param>
    public StudyPlan(StudySettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        _settings = settings;
        Configurations =
        [
            .. (from processes in settings.Processes.Order()
                from threads in settings.Threads.Select(t => t == StudySettings.AutoThreads ? Math.Max(1, settings.Cores / processes) : t).Distinct().Order()
                from precision in settings.Precisions.Count == 0 ? [null] : settings.Precisions.Select(one => (Precision?)one)
                select new StudyConfiguration(processes, threads, precision)),
        ];

        // There and back: a machine that becomes slower all the time slows every configuration by the same amount.
        Runs =
        [
            .. from repeat in Enumerable.Range(1, settings.Repeats)
               from configuration in repeat % 2 == 1 ? Configurations : Configurations.Reverse()
               select new StudyRun(configuration, repeat),
        ];
    }

    /// <summary>The configurations, by processes, threads and precision.</summary>
    public IReadOnlyList<StudyConfiguration> Configurations { get; }

    /// <summary>All runs in the order in which they are made: every configuration once, then all of them again the other way round, and so on.</summary>
    public IReadOnlyList<StudyRun> Runs { get; }

    /// <summary>Steps at the start of a run that do not count: whole updates.</summary>
    public int WarmupSteps => WholeUpdates(_settings.Warmup);

    /// <summary>Steps that a run measures, or at most measures when time decides: whole updates.</summary>
    public int MeasuredSteps => WholeUpdates(_settings.Steps ?? MostTimedSteps);

    /// <summary>Steps that a run measures at least when time decides: whole updates.</summary>
    public int LeastMeasuredSteps => WholeUpdates(LeastTimedSteps);

    /// <summary>Seconds that the measured steps of one run may take; null when the number of steps decides.</summary>
    public double? SecondsPerRun => _settings.Steps is null ? Math.Max(0, (_settings.Minutes * 60 / Runs.Count) - StartSeconds) : null;

    /// <summary>How long a run takes at most, from its start to its end, when time decides; null otherwise.</summary>
    public double? PlannedRunSeconds => SecondsPerRun + StartSeconds;

    /// <summary>Samples of one step over all processes; 0 for a program.</summary>
    public int GlobalBatch(StudyConfiguration configuration) => _settings.Weak ? checked(_settings.BatchSize * configuration.Processes) : _settings.BatchSize;

    /// <summary>What a run of <paramref name="configuration"/> trains: no checkpoint is written, and nothing is held out from the data to be scored on.</summary>
    /// <exception cref="BadInputException">The configuration is not possible, such as a batch that its processes cannot share.</exception>
    /// <exception cref="InvalidOperationException">The study is that of a program.</exception>
    public RunConfiguration Run(StudyConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        RunConfiguration common = _settings.Training ?? throw new InvalidOperationException("A study of a program has no task's configuration.");
        TrainingOptions options = common.Training with
        {
            Nproc = configuration.Processes,
            Threads = configuration.Threads,
            Precision = configuration.Precision ?? common.Training.Precision,
            BatchSize = GlobalBatch(configuration),
            Steps = WarmupSteps + MeasuredSteps,
            CheckpointEvery = 0,
            KeepCheckpoints = 0,
        };
        options.Validate(asOptions: true);
        return common with { Training = options };
    }

    /// <summary>A run of a program without a task.</summary>
    /// <param name="configuration">Its configuration.</param>
    /// <param name="program">How its processes are started.</param>
    /// <exception cref="InvalidOperationException">The study is that of a task.</exception>
    public ProgramRunSettings Run(StudyConfiguration configuration, LaunchProgram program)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        ProgramStudy study = _settings.Program ?? throw new InvalidOperationException("A study of a task has no program without one.");
        return new ProgramRunSettings
        {
            Program = program,
            Processes = configuration.Processes,
            Threads = configuration.Threads,
            Precision = configuration.Precision,
            Steps = WarmupSteps + MeasuredSteps,
            WarmupSteps = WarmupSteps,
            Timeout = TimeSpan.FromSeconds(study.RunTimeoutSeconds),
        };
    }

    /// <summary>Whether a run has measured enough when time decides: one more update would end after its time is over.</summary>
    /// <param name="stepsDone">Steps that the run has taken.</param>
    /// <param name="measuredSeconds">Seconds of those after the warm-up.</param>
    public bool IsEnough(long stepsDone, double measuredSeconds)
    {
        long measured = stepsDone - WarmupSteps;
        if (SecondsPerRun is not { } limit || measured < LeastMeasuredSteps)
        {
            return false;
        }

        // A run that is asked to stop still ends the step that it is in and takes one more.
        const int stepsToStop = 2;
        return measuredSeconds * (measured + stepsToStop) / measured > limit;
    }

    private int WholeUpdates(int steps)
    {
        int each = _settings.Training?.Training.Accumulate ?? 1;
        return checked((steps + each - 1) / each * each);
    }
}
