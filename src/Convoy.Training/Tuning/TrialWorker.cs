using System.Text.Json;
using Convoy.Training.Options;
using Convoy.Training.Runs;
using Convoy.Distributed;
using static TorchSharp.torch;

namespace Convoy.Training.Tuning;

/// <summary>One process of a group of trials: trains each for a few steps. Rank 0 decides when a trial ends, and tells what it measured.</summary>
/// <param name="folder">What to do.</param>
/// <param name="group">The ranks.</param>
/// <param name="tell">Told, on rank 0, one line an event.</param>
/// <param name="train">Trains this rank's part of a run.</param>
internal sealed class TrialWorker(TrialFolder folder, ProcessGroup group, Action<string> tell, Action<RunConfiguration, RunDirectory, IProgress<TrainingEvent>, CancellationToken> train)
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
            train(run.ReadConfig(), run, watcher, end.Token);

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

/// <summary>What rank 0 of a trial's processes tells: one line of JSON on standard output.</summary>
/// <param name="Trial">The trial's number within the group, from 0.</param>
/// <param name="StepSeconds">Seconds of a step that counts; null when the line tells something else.</param>
/// <param name="End">How the trial ended, by its name; null while it goes on.</param>
internal sealed record TrialEvent(int Trial, double? StepSeconds = null, string? End = null)
{
    private const string Mark = "{\"Trial\":";

    /// <summary>The event as a line.</summary>
    public string ToLine() => JsonSerializer.Serialize(this);

    /// <summary>Reads a line of <see cref="ToLine"/>; null for any other line, such as one that another writer of the same output cut up.</summary>
    public static TrialEvent? FromLine(string line)
    {
        if (!line.StartsWith(Mark, StringComparison.Ordinal))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize<TrialEvent>(line) is { Trial: >= 0, StepSeconds: null or (> 0 and < double.PositiveInfinity) } told && (told.End is null || Enum.GetNames<TrialEnd>().Contains(told.End))
                ? told
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
