using Convoy.Distributed;
using static TorchSharp.torch;

namespace Convoy.Training.Tuning;

/// <summary>One process of a group of trials: trains each for a few steps. Rank 0 decides when a trial ends, and tells what it measured.</summary>
/// <param name="folder">What to do.</param>
/// <param name="group">The ranks.</param>
/// <param name="time">The clock.</param>
/// <param name="tell">Told, on rank 0, one line an event.</param>
internal sealed class TrialWorker(TrialFolder folder, ProcessGroup group, TimeProvider time, Action<string> tell)
{
    /// <summary>Makes the trials for which there is time.</summary>
    /// <returns>Whether it was not asked to stop before the last.</returns>
    public bool Run(CancellationToken stop)
    {
        TrialAllowance allowance = folder.ReadAllowance();
        var judge = new TrialJudge(allowance);
        foreach ((int number, RunDirectory run) in folder.Runs().Index())
        {
            if (AnyRankStops(stop))
            {
                return false;
            }

            using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
            var watcher = new Watcher(number, number == 0 ? allowance.FirstWarmupSteps : allowance.WarmupSteps, judge, end.Cancel, tell);
            using (var trainer = new Trainer(run.ReadConfig(), run, group, time, stop: stop))
            {
                trainer.Run(watcher, end.Token);
            }

            if (group.Rank == 0)
            {
                watcher.Finish(stopped: stop.IsCancellationRequested);
            }
        }

        return true;
    }

    private bool AnyRankStops(CancellationToken stop)
    {
        using Tensor any = tensor([stop.IsCancellationRequested ? 1f : 0f]);
        group.AllReduce(any, ReduceOp.Max);
        return any.item<float>() > 0;
    }

    private sealed class Watcher(int trial, int warmupSteps, TrialJudge judge, Action end, Action<string> tell) : IProgress<TrainingEvent>
    {
        private readonly List<double> _steps = [];
        private TrialEnd? _judgement;

        public void Report(TrainingEvent value)
        {
            if (value.Step is not { StepTime: { } seconds } step || step.Step <= warmupSteps)
            {
                return;
            }

            _steps.Add(seconds);
            tell(new TrialEvent(trial, seconds).ToLine());
            _judgement ??= judge.Judge(_steps);
            if (_judgement is not null)
            {
                end();
            }
        }

        public void Finish(bool stopped)
        {
            judge.Finish(_steps);
            TrialEnd how = _judgement ?? (stopped ? TrialEnd.NotTried : TrialEnd.Measured);
            tell(new TrialEvent(trial, End: how.ToString()).ToLine());
        }
    }
}
