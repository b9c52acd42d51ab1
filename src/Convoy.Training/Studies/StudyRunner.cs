using Convoy.Metrics;
using Convoy.Training.Runs;

namespace Convoy.Training.Studies;

/// <summary>Makes the runs of a study that are not there yet, one after another.</summary>
/// <param name="study">Where the study keeps its files.</param>
/// <param name="plan">Its runs.</param>
/// <param name="work">Makes a run.</param>
/// <param name="display">Shows how far it is.</param>
/// <param name="time">The clock that measures whole runs.</param>
public sealed class StudyRunner(StudyDirectory study, StudyPlan plan, IStudyWork work, IStudyDisplay display, TimeProvider time)
{
    /// <summary>Makes all runs. Those of a configuration that failed are left out from then on; the others go on.</summary>
    /// <param name="interrupted">Ends the present run and the study; what is whole stays.</param>
    /// <returns>The runs that failed.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="interrupted"/> was raised.</exception>
    public async Task<IReadOnlyList<FailedRun>> RunAsync(CancellationToken interrupted)
    {
        var failed = new List<FailedRun>();
        IReadOnlyList<MatrixPeak>? peaks = plan.Runs.All(study.Has)
            ? null
            : await work.MeasurePeaksAsync(study, display, interrupted).ConfigureAwait(false);
        foreach (StudyRun run in plan.Runs)
        {
            if (study.Has(run) || failed.Any(f => f.Run.Configuration == run.Configuration))
            {
                continue;
            }

            interrupted.ThrowIfCancellationRequested();
            display.Begin(run);
            long start = time.GetTimestamp();
            if (await work.RunAsync(run, study.Begin(run), display, interrupted).ConfigureAwait(false) is { } reason)
            {
                failed.Add(new FailedRun(run, reason, study.Fail(run)));
                display.Fail(failed[^1]);
                continue;
            }

            study.Finish(run, plan.WarmupSteps, peaks);
            WriteMiddleRun(run.Configuration);
            display.Finish(run, time.GetElapsedTime(start).TotalSeconds);
        }

        return failed;
    }

    // The file of a configuration at the top of the study: the run whose mean step, or whole time, is the middle one of its runs.
    private void WriteMiddleRun(StudyConfiguration configuration)
    {
        RunMetrics[] runs =
        [
            .. plan.Runs.Where(run => run.Configuration == configuration && study.Has(run))
                .Select(run => MetricsFile.Read(study.Run(run).Metrics))
                .OrderBy(run => run.WallTime ?? run.Metrics.Skip(run.WarmupSteps ?? 0).Average(step => step.StepTime ?? 0)),
        ];
        MetricsFile.Write(study.MetricsFile(configuration, plan), runs[(runs.Length - 1) / 2]);
    }
}

/// <summary>How a run of a study is made: by a task's processes, or by any program's.</summary>
public interface IStudyWork
{
    /// <summary>Makes a run, which leaves its <c>metrics.json</c> and every rank's log behind.</summary>
    /// <param name="run">The run.</param>
    /// <param name="directory">Its directory, which exists and is empty.</param>
    /// <param name="display">Told of its steps.</param>
    /// <param name="interrupted">Ends the run.</param>
    /// <returns>Null, or why it failed, in one line.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="interrupted"/> was raised.</exception>
    Task<string?> RunAsync(StudyRun run, RunDirectory directory, IStudyDisplay display, CancellationToken interrupted);

    /// <summary>How fast the machine multiplies matrices in the study's precisions and threads, as the program's own libtorch does it.</summary>
    /// <param name="study">Keeps the peaks, which are measured once a study.</param>
    /// <param name="display">Told in a line when it comes to nothing.</param>
    /// <param name="interrupted">Ends it.</param>
    /// <returns>The peaks; null, as by default, where nothing measures them.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="interrupted"/> was raised.</exception>
    Task<IReadOnlyList<MatrixPeak>?> MeasurePeaksAsync(StudyDirectory study, IStudyDisplay display, CancellationToken interrupted) => Task.FromResult<IReadOnlyList<MatrixPeak>?>(null);
}

/// <summary>Follows the steps of a run: shows them, and knows when they are enough.</summary>
/// <param name="plan">The study's runs.</param>
/// <param name="display">Told of every step.</param>
internal sealed class StepWatch(StudyPlan plan, IStudyDisplay display)
{
    private readonly List<double> _measured = [];

    /// <summary>Takes rank 0's next step.</summary>
    /// <returns>Whether the run has measured enough.</returns>
    public bool Add(StepMetrics step)
    {
        if (step.StepTime is not { } seconds)
        {
            return false;
        }

        if (step.Step > plan.WarmupSteps)
        {
            _measured.Add(seconds);
        }

        display.Step(step, _measured, plan.WarmupSteps + plan.MeasuredSteps);
        return plan.IsEnough(step.Step, _measured.Sum());
    }
}

/// <summary>A run of a study that came to nothing.</summary>
/// <param name="Run">The run.</param>
/// <param name="Reason">Why, in one line.</param>
/// <param name="Folder">Where its logs are.</param>
public sealed record FailedRun(StudyRun Run, string Reason, string Folder);

/// <summary>Where a study shows its user how far it is.</summary>
public interface IStudyDisplay
{
    /// <summary>A run starts.</summary>
    void Begin(StudyRun run);

    /// <summary>The run took a step.</summary>
    /// <param name="step">The step.</param>
    /// <param name="measured">Seconds of the steps after the warm-up.</param>
    /// <param name="steps">The most steps that it takes.</param>
    void Step(StepMetrics step, IReadOnlyList<double> measured, int steps);

    /// <summary>The run is whole.</summary>
    /// <param name="run">The run.</param>
    /// <param name="seconds">How long it took from its start to its end.</param>
    void Finish(StudyRun run, double seconds);

    /// <summary>A run failed.</summary>
    void Fail(FailedRun failed);

    /// <summary>Writes a line about the processes while they run.</summary>
    void Notice(string line);
}
