using System.CommandLine;
using Convoy.Cli.Benchmarks.Convolutions;
using Convoy.Distributed;
using Convoy.Distributed.Launch;
using Convoy.Training.Programs;
using TorchSharp;

namespace Convoy.Cli.Commands;

/// <summary>One process of <c>convoy bench convolution</c>, which starts it; it is not for use by hand.</summary>
internal static class BenchConvolutionWorkerCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    public static Command Create()
    {
        var settings = new Argument<string>("SETTINGS") { Description = "What to measure, as JSON." };
        var command = new Command(ConvolutionBenchmark.WorkerVerb, "One process of convoy bench convolution.") { settings };
        command.Hidden = true;
        command.SetAction((parsed, stop) => Task.FromResult(Run(ConvolutionSettings.FromJson(parsed.GetRequiredValue(settings)), stop)));
        return command;
    }

    private static int Run(ConvolutionSettings settings, CancellationToken stop)
    {
        torch.set_num_threads(settings.Threads);
        return DistributedProgram.RunRank(
            group =>
            {
                foreach (string line in new ConvolutionWorker(group, settings, TimeProvider.System).Run(stop))
                {
                    Console.Out.WriteLine(line);
                }

                return ExitCodes.Done;
            },
            Patience,
            stop);
    }
}
