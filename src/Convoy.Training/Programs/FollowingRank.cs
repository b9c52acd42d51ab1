using System.Globalization;
using System.Text.Json.Nodes;
using Convoy.Distributed;
using Convoy.Distributed.Diagnostics;
using Convoy.Training.Hosts;
using Convoy.Training.Options;
using Convoy.Training.Runs;
using Convoy.Training.Tasks;

namespace Convoy.Training.Programs;

/// <summary>A rank of a launched job other than the first: it does what rank 0 has told it, and shows nothing.</summary>
/// <param name="host">The task.</param>
/// <param name="start">What rank 0 told.</param>
/// <param name="group">The ranks.</param>
/// <param name="failure">Tells what goes wrong in its training.</param>
internal sealed class FollowingRank(TaskHost host, JobStart start, ProcessGroup group, RankFailure failure)
{
    /// <summary>Trains this rank's part of the run.</summary>
    /// <param name="interrupted">Asks for an early end.</param>
    /// <returns>The exit code.</returns>
    public int Run(CancellationToken interrupted)
    {
        using SharedFolder shared = SharedFolder.Find(group, start.Root);
        var run = new RunDirectory(shared.Path) { Shared = shared };
        RunConfiguration configuration = Localized(run);

        // As long as this process lives, nobody else begins a session of the run.
        using RunLock? held = shared.IsOriginal ? RunLock.Join(run, start.Session) : null;
        JointWork.Do(group, () => Prepare(configuration, run, interrupted));
        try
        {
            TraceSteps? trace = start.Trace is { } text && TraceSteps.TryParse(text, out TraceSteps steps) && shared.IsOriginal && RankHost.Read().Machine == start.Machine ? steps : null;
            TrainingOutcome outcome = host.TrainRank(configuration, run, group, trace, NoEvents.Instance, interrupted);
            if (start.Trace is not null)
            {
                group.Barrier(); // Rank 0 puts the ranks' traces together when all are written.
            }

            return outcome.Interrupted ? ExitCodes.Interrupted : ExitCodes.Done;
        }
        catch (DistributedException) when (interrupted.IsCancellationRequested)
        {
            return ExitCodes.Interrupted; // The others were asked to end, too, and what became of the run rank 0 tells.
        }
        catch (Exception error) when (error is not OperationCanceledException || !interrupted.IsCancellationRequested)
        {
            failure.Tell(group, error);
            throw;
        }
    }

    // The run's settings with what lies in the run directory where this rank has it.
    private RunConfiguration Localized(RunDirectory run)
    {
        RunConfiguration told = RunConfiguration.FromJson(JsonNode.Parse(start.Configuration)!.AsObject(), "config.json");
        JsonObject task = told.Task;
        foreach ((string name, JsonNode? value) in task.ToArray())
        {
            if (value is JsonValue text && text.TryGetValue(out string? path) && path is not null)
            {
                task[name] = run.Shared!.Localize(path, start.Root);
            }
        }

        return told with { Task = task };
    }

    // Where rank 0's files are not seen, what rank 0 does before the run is done here as well, once.
    private void Prepare(RunConfiguration configuration, RunDirectory run, CancellationToken interrupted)
    {
        host.Apply(configuration.Task);
        if (!run.Shared!.IsLeader)
        {
            return;
        }

        int samples = host.CountSamples(configuration.Training, run.Root, _ => { });
        if (samples != start.Samples)
        {
            throw new BadInputException(
                "the training data is not the same on all hosts",
                string.Create(CultureInfo.InvariantCulture, $"{samples} {host.SampleNoun}s, but {start.Samples} on rank 0's host"),
                "Put the same data under the same path on every host.");
        }

        host.PrepareData(new DataPreparation(run.Root, configuration.Training.Seed, NoProgress.Instance, interrupted));
    }

    /// <summary>Where nobody watches the run.</summary>
    private sealed class NoEvents : IProgress<TrainingEvent>
    {
        public static NoEvents Instance { get; } = new();

        public void Report(TrainingEvent value)
        {
        }
    }
}
