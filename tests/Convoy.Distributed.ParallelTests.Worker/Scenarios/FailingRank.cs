using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Convoy.Distributed.Backends.SharedMemory;
using Convoy.Distributed.Nn;
using Convoy.Distributed.Rendezvous;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// <c>FailingRank PLACE CAUSE SECONDS</c>: the last rank fails while the others are joining, in a collective, in backward or in
/// SyncBatchNorm: it is killed, stopped, throws, stays away or calls something else. Operations may take so many seconds.
/// </summary>
internal static class FailingRank
{
    public static void Run(string[] args)
    {
        (string place, string cause) = (args[0], args[1]);
        TimeSpan limit = TimeSpan.FromSeconds(double.Parse(args[2], CultureInfo.InvariantCulture));
        RankEnvironment environment = RankEnvironment.Read();
        using Store store = environment.ConnectStore(TimeSpan.FromSeconds(60));
        int failing = environment.WorldSize - 1;

        // Starting a process may take longer than an operation is given here.
        store.Set($"process/{environment.Rank}", Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        store.Wait([.. Enumerable.Range(0, environment.WorldSize).Select(rank => $"process/{rank}")], TimeSpan.FromSeconds(60));
        try
        {
            Action fail = environment.Rank == failing ? () => Fail(cause, limit) : () => { };
            bool differs = environment.Rank == failing && cause == "mismatch";
            if (place == "joining")
            {
                fail();
            }

            using var group = new ProcessGroupSharedMemory(store, environment.Rank, environment.WorldSize, limit);
            Meet(place, group, fail, differs);
            // A rank that comes after the others have given up finds what they left for it, and learns of it now.
            group.Barrier();
        }
        catch (Exception error) when (cause == "stop" && environment.Rank == 0 && error is (DistributedException or ExternalException))
        {
            // Nobody else knows that it may go on now.
            Signal("CONT", store.GetText($"process/{failing}"));
            throw;
        }
    }

    private static void Meet(string place, ProcessGroupSharedMemory group, Action fail, bool differs)
    {
        using var scope = NewDisposeScope();
        switch (place)
        {
            case "joining":
                break;
            case "collective":
                group.Barrier();
                fail();
                group.AllReduce(ones([differs ? 5 : 4], float32));
                break;
            case "backward":
                using (var network = new SmallNetwork())
                using (var model = new DistributedDataParallel<Tensor, Tensor>(network, group))
                {
                    Tensor loss = model.call(randn(4, 3, 13, 11)).sum();
                    fail();
                    if (differs)
                    {
                        model.Reducer.Group.AllReduce(ones([5], float32));
                    }

                    Pass.Run(model.Backward, loss);
                }

                break;
            case "syncbatchnorm":
                using (var norm = new SyncBatchNorm(4, group))
                using (var other = new SyncBatchNorm(5, group))
                {
                    norm.call(randn(3, 4, 2, 2));
                    fail();
                    (differs ? other : norm).call(randn(3, differs ? 5 : 4, 2, 2));
                }

                break;
            default:
                throw new ArgumentException($"no place is called '{place}'");
        }
    }

    private static void Fail(string cause, TimeSpan limit)
    {
        switch (cause)
        {
            case "kill":
                using (var self = Process.GetCurrentProcess())
                {
                    self.Kill();
                }

                new ManualResetEventSlim().Wait();
                break;
            case "stop":
                Signal("STOP", Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
                break;
            case "throw":
                throw new InvalidDataException("bad data");
            case "absent":
                // The others must have given up by themselves.
                using (var never = new ManualResetEventSlim())
                {
                    never.Wait(limit + TimeSpan.FromSeconds(5));
                }

                throw new InvalidDataException("came too late");
        }
    }

    private static void Signal(string name, string processId)
    {
        using var kill = Process.Start("kill", [$"-{name}", processId]);
        kill.WaitForExit();
    }
}
