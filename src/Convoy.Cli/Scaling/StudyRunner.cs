using Convoy.Cli.Training;
using Convoy.Distributed;
using Convoy.Distributed.Launch;
using Convoy.Lanes.Sweeps;
using Convoy.Lanes.Training;
using Convoy.Metrics;

namespace Convoy.Cli.Scaling;

/// <summary>Makes the runs of a study that are not there yet, one after another.</summary>
/// <param name="study">Where the study keeps its files.</param>
/// <param name="plan">Its runs.</param>
/// <param name="display">Shows how far it is.</param>
/// <param name="time">The clock that measures whole runs.</param>
internal sealed class StudyRunner(StudyDirectory study, SweepPlan plan, StudyDisplay display, TimeProvider time)
{
    /// <summary>Makes all runs. Those of a configuration that failed are left out from then on; the others go on.</summary>
    /// <param name="interrupted">Ends the present run and the study; what is whole stays.</param>
    /// <returns>The runs that failed.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="interrupted"/> was raised.</exception>
    public async Task<IReadOnlyList<FailedRun>> RunAsync(CancellationToken interrupted)
    {
        var failed = new List<FailedRun>();
        foreach (SweepRun run in plan.Runs)
        {
            if (study.Has(run) || failed.Any(f => f.Run.Configuration == run.Configuration))
            {
                continue;
            }

            interrupted.ThrowIfCancellationRequested();
            display.Begin(run);
            long start = time.GetTimestamp();
            if (await RunAsync(run, interrupted) is { } reason)
            {
                failed.Add(new FailedRun(run, reason, study.Fail(run)));
                display.Fail(failed[^1]);
                continue;
            }

            study.Finish(run, plan.WarmupSteps);
            StudyMetrics.Write(study, plan, run.Configuration);
            display.Finish(run, time.GetElapsedTime(start).TotalSeconds);
        }

        return failed;
    }

    /// <returns>Null, or why it failed.</returns>
    private async Task<string?> RunAsync(SweepRun run, CancellationToken interrupted)
    {
        TrainingOptions options = plan.Options(run.Configuration);
        RunDirectory directory = study.Begin(run);
        directory.WriteConfig(options);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(interrupted);
        var measured = new List<double>();
        var processes = new TrainingProcesses(directory, options)
        {
            OnEvent = what =>
            {
                if (what.Step is { StepTime: { } seconds } step)
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
            result = await processes.RunAsync(enough.Token);
        }
        catch (DistributedException error)
        {
            return error.Message;
        }

        interrupted.ThrowIfCancellationRequested();
        return result.Failure is { } failure ? FailureText.Of(failure) : Missing(directory, options);
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
