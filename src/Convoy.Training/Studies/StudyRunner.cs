using Convoy.Distributed;
using Convoy.Distributed.Launch;
using Convoy.Metrics;
using Convoy.Training.Options;
using Convoy.Training.Runs;
using Convoy.Training.Workers;

namespace Convoy.Training.Studies;

/// <summary>Makes the runs of a study that are not there yet, one after another.</summary>
/// <param name="study">Where the study keeps its files.</param>
/// <param name="plan">Its runs.</param>
/// <param name="workers">The program with the task.</param>
/// <param name="display">Shows how far it is.</param>
/// <param name="time">The clock that measures whole runs.</param>
public sealed class StudyRunner(StudyDirectory study, StudyPlan plan, WorkerProgram workers, IStudyDisplay display, TimeProvider time)
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
            : await new StudyPeaks(study, workers, display.Notice).GetAsync(plan.Configurations, interrupted).ConfigureAwait(false);
        foreach (StudyRun run in plan.Runs)
        {
            if (study.Has(run) || failed.Any(f => f.Run.Configuration == run.Configuration))
            {
                continue;
            }

            interrupted.ThrowIfCancellationRequested();
            display.Begin(run);
            long start = time.GetTimestamp();
            if (await RunAsync(run, interrupted).ConfigureAwait(false) is { } reason)
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

    /// <returns>Null, or why it failed.</returns>
    private async Task<string?> RunAsync(StudyRun run, CancellationToken interrupted)
    {
        RunConfiguration configuration = plan.Run(run.Configuration);
        RunDirectory directory = study.Begin(run);
        directory.WriteConfig(configuration);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(interrupted);
        var measured = new List<double>();
        var processes = new TrainingProcesses(directory, configuration.Training, workers)
        {
            OnNotice = display.Notice,
            OnEvent = progress =>
            {
                if (progress.Step is { StepTime: { } seconds } step)
                {
                    if (step.Step > plan.WarmupSteps)
                    {
                        measured.Add(seconds);
                    }

                    display.Step(step, measured, plan.WarmupSteps + plan.MeasuredSteps);
                    if (plan.IsEnough(step.Step, measured.Sum()))
                    {
                        enough.Cancel();
                    }
                }
            },
        };
        LaunchResult result;
        try
        {
            result = await processes.RunAsync(enough.Token).ConfigureAwait(false);
        }
        catch (DistributedException error)
        {
            return error.Message;
        }

        interrupted.ThrowIfCancellationRequested();
        return result.Failure is { } failure ? FailureText.Describe(failure) : Missing(directory, configuration.Training);
    }

    // The file of a configuration at the top of the study: the run whose mean step is the middle one of its runs.
    private void WriteMiddleRun(StudyConfiguration configuration)
    {
        RunMetrics[] runs =
        [
            .. plan.Runs.Where(run => run.Configuration == configuration && study.Has(run))
                .Select(run => MetricsFile.Read(study.Run(run).Metrics))
                .OrderBy(run => run.Metrics.Skip(run.WarmupSteps ?? 0).Average(step => step.StepTime ?? 0)),
        ];
        MetricsFile.Write(study.MetricsFile(configuration, plan), runs[(runs.Length - 1) / 2]);
    }

    // A run that was asked to stop has to have left every rank's steps behind, or it would make a wrong table.
    private string? Missing(RunDirectory directory, TrainingOptions options)
    {
        if (!File.Exists(directory.Metrics))
        {
            return "it left no metrics.json. Its output is in the run's logs.";
        }

        int steps = MetricsFile.Read(directory.Metrics).Metrics.Count;
        int least = plan.WarmupSteps + Math.Min(plan.SecondsPerRun is null ? plan.MeasuredSteps : plan.LeastMeasuredSteps, plan.MeasuredSteps);
        for (int rank = 0; rank < options.Nproc; rank++)
        {
            int has = File.Exists(directory.MetricsLog(rank)) ? StepMetricsLog.Read(directory.MetricsLog(rank)).Count : 0;
            if (has != steps || steps < least)
            {
                return FormattableString.Invariant($"rank {rank} measured {has} of {Math.Max(steps, least)} steps. Its output is in the run's logs/rank-{rank}.log.");
            }
        }

        return null;
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
