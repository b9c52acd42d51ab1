using System.Globalization;
using Convoy.Distributed.Launch;
using Convoy.Metrics;
using Convoy.Training.Studies;
using Convoy.Training.Workers;

namespace Convoy.Training.Tuning;

/// <summary>
/// Makes trials of any program that torchrun could start: each is a run of its own, of <see cref="Steps"/> steps at most. A program that writes its steps is measured by them, and ended as soon as they
/// are enough; one that writes none by the time of its whole runs, starting it inside.
/// </summary>
/// <param name="program">How its processes are started.</param>
/// <param name="scratch">A folder for what the runs write.</param>
/// <param name="time">The clock.</param>
public sealed class ProgramTrialMachine(LaunchProgram program, string scratch, TimeProvider time) : ITrialMachine
{
    private int _runs;

    /// <summary>Steps that a run is told to take, those of the warm-up included; above <see cref="WarmupSteps"/>. Default 22.</summary>
    public int Steps { get; init; } = 22;

    /// <summary>Steps at the start of each run that do not count; 0 or more. Default 2: every run is one of new processes.</summary>
    public int WarmupSteps { get; init; } = 2;

    /// <summary>What the program does with more processes, which the time of whole runs does not tell; null, the default, when its user does not say.</summary>
    public RunWork? Work { get; init; }

    /// <summary>What memory all processes of a run may take together, as far as the program writes what they took. Default null: as much as they like.</summary>
    public MemoryLimit? Memory { get; init; }

    /// <summary>Told of each result as it comes.</summary>
    public Action<TrialResult>? OnResult { get; init; }

    /// <summary>Told what people should see while trials run.</summary>
    public required Action<string> OnNotice { get; init; }

    /// <summary>Whether the program writes its steps; null before its first run.</summary>
    public bool? WritesSteps { get; private set; }

    /// <summary>What the program's speed counts: a sample as the program calls it, or a run of one that writes no steps.</summary>
    public string Noun { get; private set; } = "sample";

    /// <inheritdoc/>
    /// <exception cref="BadInputException">Whole runs of several numbers of processes are to be compared, and <see cref="Work"/> doesn't say how.</exception>
    public async Task<IReadOnlyList<TrialResult>> TryAsync(IReadOnlyList<TuningConfiguration> configurations, TrialAllowance allowance, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(configurations);
        ArgumentNullException.ThrowIfNull(allowance);
        var results = new List<TrialResult>();
        double best = allowance.BestSampleSeconds ?? double.PositiveInfinity;
        long start = time.GetTimestamp();
        foreach (TuningConfiguration configuration in configurations)
        {
            double left = allowance.SecondsLeft - time.GetElapsedTime(start).TotalSeconds;
            TrialResult result = left <= 0
                ? new TrialResult(configuration, [], TrialEnd.NotTried)
                : await TryAsync(configuration, allowance with { SecondsLeft = left, BestSampleSeconds = double.IsFinite(best) ? best : null }, cancellation).ConfigureAwait(false);
            RequireComparable(configurations);
            if (result.UpdateSeconds.Count > 0)
            {
                best = Math.Min(best, StepMedian.Find(result.UpdateSeconds) / result.Samples);
            }

            results.Add(result);
            OnResult?.Invoke(result);
        }

        return results;
    }

    private async Task<TrialResult> TryAsync(TuningConfiguration configuration, TrialAllowance allowance, CancellationToken cancellation)
    {
        double works = Work == RunWork.PerProcess ? configuration.Processes : 1;

        // A whole run that takes too long cannot win; of one that writes steps, the steps tell earlier.
        double patience = WritesSteps == false && allowance.BestSampleSeconds is { } best ? TrialJudge.GiveUpAtOnceFactor * best * works : double.PositiveInfinity;
        double seconds = Math.Min(allowance.SecondsLeft, patience);
        var watch = new StepJudge(allowance, WarmupSteps, seconds, time);
        string folder = Directory.CreateDirectory(Path.Combine(scratch, string.Create(CultureInfo.InvariantCulture, $"run-{_runs++}"))).FullName;
        long start = time.GetTimestamp();
        var run = new ProgramRun(
            folder,
            new ProgramRunSettings
            {
                Program = program,
                Processes = configuration.Processes,
                Threads = configuration.Threads,
                Precision = configuration.Precision,
                Steps = Steps,
                WarmupSteps = WarmupSteps,
                Timeout = TimeSpan.FromSeconds(Math.Max(seconds, 0.001)),
                KeepsLogs = false, // tuning ends with an empty scratch folder
            },
            time)
        {
            OnNotice = OnNotice,
            OnStep = watch.IsEnough,
        };
        ProgramOutcome outcome = await run.RunAsync(cancellation).ConfigureAwait(false);
        bool late = time.GetElapsedTime(start).TotalSeconds >= seconds;
        if (outcome.Failure is { } failure)
        {
            return late ? new TrialResult(configuration, [], patience < allowance.SecondsLeft ? TrialEnd.GivenUp : TrialEnd.NotTried) : new TrialResult(configuration, [], TrialEnd.Failed, failure);
        }

        WritesSteps = outcome.Ranks.Count > 0;
        Noun = WritesSteps == true ? outcome.SampleNoun ?? Noun : "run";
        return WritesSteps == true ? ByItsSteps(configuration, outcome, watch) : new TrialResult(configuration, [outcome.WallSeconds], TrialEnd.Measured) { Samples = works };
    }

    private TrialResult ByItsSteps(TuningConfiguration configuration, ProgramOutcome outcome, StepJudge watch)
    {
        StepMetrics[] steps = [.. outcome.Ranks[0].Where(step => step.Step > WarmupSteps && step.StepTime is > 0 and < double.PositiveInfinity)];
        if (steps.Length == 0 || steps.Any(step => step.BatchSize < 1 || step.BatchSize != steps[0].BatchSize))
        {
            return new TrialResult(configuration, [], watch.IsLate ? TrialEnd.NotTried : TrialEnd.Failed, watch.IsLate ? null : steps.Length == 0
                ? string.Create(CultureInfo.InvariantCulture, $"it wrote {outcome.Ranks[0].Count} steps, and more than {WarmupSteps} are needed. Let it take {ProgramVariables.Steps} steps.")
                : "its steps have different batch_size. Let it write how many samples all ranks take in a step, and take whole batches only.");
        }

        long[] peaks = [.. outcome.Ranks.SelectMany(rank => rank).Select(step => step.PeakMemoryBytes).OfType<long>()];
        long? peak = peaks.Length > 0 ? peaks.Max() : null;
        bool isOver = peak > Memory?.Bytes / configuration.Processes;
        return new TrialResult(configuration, isOver ? [] : [.. steps.Select(step => step.StepTime!.Value)], isOver ? TrialEnd.OverMemory : watch.End ?? TrialEnd.Measured)
        {
            Samples = steps[0].BatchSize,
            PeakMemoryBytes = peak,
        };
    }

    private void RequireComparable(IReadOnlyList<TuningConfiguration> configurations)
    {
        int[] processes = [.. configurations.Select(c => c.Processes).Distinct()];
        if (WritesSteps == false && Work is null && processes.Length > 1)
        {
            throw new BadInputException(
                "the program writes no steps, and the time of its runs alone does not compare numbers of processes",
                string.Join(", ", processes.Order()),
                "Give --strong when all its processes share the same work, --weak when each does the same, or one --nproc.");
        }
    }

    /// <summary>Follows a run's steps, and ends it when they are enough.</summary>
    private sealed class StepJudge(TrialAllowance allowance, int warmupSteps, double seconds, TimeProvider time)
    {
        private readonly TrialJudge _judge = new(allowance);
        private readonly List<double> _steps = [];
        private readonly long _start = time.GetTimestamp();

        /// <summary>How the trial ended; null when the run did by itself.</summary>
        public TrialEnd? End { get; private set; }

        /// <summary>Whether the time was over.</summary>
        public bool IsLate => time.GetElapsedTime(_start).TotalSeconds >= seconds;

        public bool IsEnough(StepMetrics step)
        {
            if (step.Step > warmupSteps && step is { StepTime: > 0 and < double.PositiveInfinity, BatchSize: >= 1 })
            {
                _steps.Add(step.StepTime.Value);
                End ??= _judge.Judge(_steps, new TrainingBatch(step.BatchSize, 1));
            }

            return End is not null || IsLate;
        }
    }
}
