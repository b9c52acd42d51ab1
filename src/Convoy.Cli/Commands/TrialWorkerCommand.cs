using System.CommandLine;
using System.Globalization;
using Convoy.Cli.Tuning;
using Convoy.Distributed;
using Convoy.Distributed.Launch;
using TorchSharp;

namespace Convoy.Cli.Commands;

/// <summary>One process of <c>convoy tune</c>'s trials, which starts it; people don't.</summary>
internal static class TrialWorkerCommand
{
    // The launcher sets it to the trials' threads.
    private const string ThreadsVariable = "OMP_NUM_THREADS";

    public static Command Create()
    {
        var directory = new Argument<string>("TRIALS") { Description = "The folder of the trials." };
        var command = new Command(TrialMachine.WorkerVerb, "One process of convoy tune.") { directory };
        command.Hidden = true;
        command.SetAction((parsed, stop) => Task.FromResult(Run(new TrialFolder(parsed.GetRequiredValue(directory)), stop)));
        return command;
    }

    private static int Run(TrialFolder folder, CancellationToken stop)
    {
        using ParentWatch? watch = ParentWatch.Start(() => Environment.Exit(ExitCodes.Failed));
        torch.set_num_threads(int.Parse(Environment.GetEnvironmentVariable(ThreadsVariable)!, CultureInfo.InvariantCulture));
        using ProcessGroup group = ProcessGroups.FromEnvironment(TimeSpan.FromSeconds(folder.Runs().First().ReadConfig().TimeoutSeconds), stop);
        try
        {
            return new TrialWorker(folder, group, TimeProvider.System, Console.Out.WriteLine).Run(stop) ? ExitCodes.Done : ExitCodes.Interrupted;
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            // While this rank is still in the group: the others fail as soon as it leaves.
            WorkerErrorFile.Record(error);
            throw;
        }
    }
}
