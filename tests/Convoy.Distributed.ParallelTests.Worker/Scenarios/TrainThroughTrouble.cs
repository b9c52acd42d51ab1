using System.Globalization;
using Convoy.Distributed.Backends.Single;
using Convoy.Distributed.ParallelTests.Worker.Training;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// Trains for many updates, some milliseconds apart, and says when it has begun, so that a test can do something to it: <c>UPDATES TIMEOUT_SECONDS</c>. At the end its weights must be those of one process.
/// </summary>
internal static class TrainThroughTrouble
{
    private const int UpdatesBeforeTrouble = 5;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    public static void Run(string[] args)
    {
        int updates = int.Parse(args[0], CultureInfo.InvariantCulture);
        using ProcessGroup group = ProcessGroups.FromEnvironment(TimeSpan.FromSeconds(double.Parse(args[1], CultureInfo.InvariantCulture)));
        IReadOnlyDictionary<string, Tensor> found = Train(group, updates, () => Console.WriteLine($"rank {group.Rank} trains as process {Environment.ProcessId}"));
        using var alone = new ProcessGroupSingle();
        foreach ((string name, Tensor expected) in Train(alone, updates, () => { }))
        {
            Expect.True(allclose(expected, found[name], rtol: 1e-9, atol: 1e-9), $"{name} after {updates} updates");
        }

        group.Barrier();
        Console.WriteLine($"rank {group.Rank} has the weights of one process");
    }

    private static IReadOnlyDictionary<string, Tensor> Train(ProcessGroup group, int updates, Action begun)
    {
        using var run = new TrainingRun(TrainingTask.Convolutions, float64, group);
        for (int update = 0; update < updates; update++)
        {
            run.Step();
            if (update == UpdatesBeforeTrouble)
            {
                begun();
            }

            if (group.Size > 1)
            {
                Thread.Sleep(Pause);
            }
        }

        return run.State();
    }
}
