using Convoy.Distributed;
using Convoy.Distributed.Launch;
using Convoy.Metrics;
using Convoy.Training.Options;
using Convoy.Training.Runs;
using Convoy.Training.Workers;

namespace Convoy.Training.Studies;

/// <summary>Makes the runs of a study of a task.</summary>
/// <param name="plan">The study's runs.</param>
/// <param name="workers">The program with the task.</param>
public sealed class TaskWork(StudyPlan plan, WorkerProgram workers) : IStudyWork
{
    /// <inheritdoc/>
    public async Task<string?> RunAsync(StudyRun run, RunDirectory directory, IStudyDisplay display, CancellationToken interrupted)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(directory);
        ArgumentNullException.ThrowIfNull(display);
        RunConfiguration configuration = plan.Run(run.Configuration);
        directory.WriteConfig(configuration);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(interrupted);
        var watch = new StepWatch(plan, display);
        var processes = new TrainingProcesses(directory, configuration.Training, workers)
        {
            OnNotice = display.Notice,
            OnEvent = progress =>
            {
                if ((progress.Note ?? progress.Warning) is { } said)
                {
                    display.Notice(said);
                }

                if (progress.Step is { } step && watch.Add(step))
                {
                    enough.Cancel();
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

    /// <inheritdoc/>
    public Task<IReadOnlyList<MatrixPeak>?> MeasurePeaksAsync(StudyDirectory study, IStudyDisplay display, CancellationToken interrupted)
    {
        ArgumentNullException.ThrowIfNull(study);
        ArgumentNullException.ThrowIfNull(display);
        return new StudyPeaks(study, workers, display.Notice).GetAsync(plan.Configurations, interrupted);
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

