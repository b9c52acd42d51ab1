using System.Globalization;
using Convoy.Distributed.Launch;
using Convoy.Distributed.Nn;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>A program whose Main is <see cref="DistributedProgram"/>: <c>Worker program CASE</c>.</summary>
internal static class SpawningProgram
{
    public const string Name = "program";

    public static int Run(string[] args) => args switch
    {
        ["alone"] => DistributedProgram.Run(group => group.Print($"rank {group.Rank} of {group.Size}")),
        ["two"] => DistributedProgram.Run(processes: 2, Sum),
        ["fails"] => DistributedProgram.Run(processes: 2, Fail),
        ["late"] => DistributedProgram.Run(ComeLate, new DistributedProgramOptions { Processes = 2, Timeout = TimeSpan.FromSeconds(2) }),
        ["alone-fails"] => DistributedProgram.Run(_ => throw new ArgumentException("boom")),
        ["code"] => DistributedProgram.Run((group, _) => group.Rank == 0 ? 0 : 5, new DistributedProgramOptions { Processes = 2, Launcher = launch => launch with { LogDirectory = Environment.GetEnvironmentVariable("LOGS") } }),
        ["stopped"] => DistributedProgram.Run(WaitForStop, new DistributedProgramOptions { Processes = 2 }),
        ["restarts"] => DistributedProgram.Run(FailOnce, new DistributedProgramOptions { Processes = 2, Launcher = launch => launch with { MaxRestarts = 1 } }),
        ["port"] => DistributedProgram.Run((_, _) => 0, new DistributedProgramOptions { Processes = 2, Launcher = launch => launch with { MasterPort = int.Parse(Environment.GetEnvironmentVariable("PORT")!, CultureInfo.InvariantCulture) } }),
        ["loses-a-rank"] => DistributedProgram.Run(LoseARank, new DistributedProgramOptions { Processes = 2 }),
        ["waits"] => DistributedProgram.Run(WaitForEver),
        _ => RunTwice(),
    };

    private static void Sum(ProcessGroup group)
    {
        using Tensor sum = tensor((float)(group.Rank + 1));
        group.AllReduce(sum);
        group.Print($"sum {sum.item<float>()} of {group.Size}");
    }

    private static void Fail(ProcessGroup group)
    {
        if (group.Rank == 1)
        {
            throw new InvalidOperationException("boom");
        }

        group.Barrier();
    }

    private static void ComeLate(ProcessGroup group)
    {
        if (group.Rank == 1)
        {
            WaitForEver(group);
        }

        group.Barrier();
    }

    private static int FailOnce(ProcessGroup group, CancellationToken stop) =>
        group.Rank == 1 && Environment.GetEnvironmentVariable("TORCHELASTIC_RESTART_COUNT") == "0" ? 7 : 0;

    private static int WaitForStop(ProcessGroup group, CancellationToken stop)
    {
        Console.WriteLine("ready");
        stop.WaitHandle.WaitOne();
        Console.WriteLine("stopped");
        stop.ThrowIfCancellationRequested();
        return 0;
    }

    // Rank 1 leaves the model's group and stays alive until the launcher ends it, so that rank 0 is the first to fail: in loss.backward().
    private static int LoseARank(ProcessGroup group, CancellationToken stop)
    {
        using var model = new DistributedDataParallel<Tensor, Tensor>(nn.Linear(2, 1), group);
        if (group.Rank == 1)
        {
            model.Dispose();
            stop.WaitHandle.WaitOne();
            return 0;
        }

        using Tensor loss = model.call(ones(1, 2)).sum();
        loss.backward();
        return 0;
    }

    private static void WaitForEver(ProcessGroup group)
    {
        Console.WriteLine("ready");
        using var never = new ManualResetEventSlim();
        never.Wait();
    }

    // The first call is one process; the second one's workers come to the first.
    private static int RunTwice()
    {
        int code = DistributedProgram.Run(group => group.Print("first"));
        return code != 0 ? code : DistributedProgram.Run(processes: 2, group => group.Print("second"));
    }
}
