using System.CommandLine;
using System.Text.Json;
using Convoy.Cli.Benchmarks.Steps;
using Convoy.Distributed;
using Convoy.Distributed.Launch;
using Convoy.Lanes.Training;
using TorchSharp;

namespace Convoy.Cli.Commands;

/// <summary>One process of <c>convoy bench step</c>, which starts it; people don't.</summary>
internal static class BenchStepWorkerCommand
{
    public static Command Create()
    {
        var settings = new Argument<string>("SETTINGS") { Description = "What to measure, as JSON." };
        var command = new Command(StepBenchmark.WorkerVerb, "One process of convoy bench step.") { settings };
        command.Hidden = true;
        command.SetAction((parsed, stop) => Task.FromResult(Run(StepSettings.FromJson(parsed.GetRequiredValue(settings)), stop)));
        return command;
    }

    private static int Run(StepSettings settings, CancellationToken stop)
    {
        using ParentWatch? watch = ParentWatch.Start(() => Environment.Exit(ExitCodes.Failed));
        TrainingOptions options = settings.TrainingOptions();
        torch.set_num_threads(options.Threads);
        using ProcessGroup group = ProcessGroups.FromEnvironment(TimeSpan.FromSeconds(options.TimeoutSeconds), stop);
        try
        {
            using var worker = new StepWorker(group, settings);
            StepRun run = worker.Run(stop);
            if (group.Rank == 0)
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(run));
            }

            return ExitCodes.Done;
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            // While this rank is still in the group: the others fail as soon as it leaves.
            WorkerErrorFile.Record(error);
            throw;
        }
    }
}
