using System.CommandLine;
using Convoy.Cli.Benchmarks;
using Convoy.Distributed;
using Convoy.Distributed.Launch;
using Convoy.Training.Programs;
using TorchSharp;

namespace Convoy.Cli.Commands;

/// <summary>One process of <c>convoy bench allreduce</c>, which starts it; it is not for use by hand.</summary>
internal static class BenchAllReduceWorkerCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    public static Command Create()
    {
        var settings = new Argument<string>("SETTINGS") { Description = "What to measure, as JSON." };
        var command = new Command(AllReduceBenchmark.WorkerVerb, "One process of convoy bench allreduce.") { settings };
        command.Hidden = true;
        command.SetAction((parsed, stop) => Task.FromResult(Run(AllReduceSettings.FromJson(parsed.GetRequiredValue(settings)), stop)));
        return command;
    }

    private static int Run(AllReduceSettings settings, CancellationToken stop)
    {
        using ParentWatch? watch = ParentWatch.Start(() => Environment.Exit(ExitCodes.Failed));
        torch.set_num_threads(1);
        using ProcessGroup group = ProcessGroups.FromEnvironment(Patience, stop);
        try
        {
            var worker = new AllReduceWorker(group, settings);
            foreach (string line in worker.Run(stop))
            {
                Console.Out.WriteLine(line);
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
