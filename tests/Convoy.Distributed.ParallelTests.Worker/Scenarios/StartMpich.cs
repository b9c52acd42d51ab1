using System.Diagnostics;
using System.Globalization;
using Convoy.Distributed.Backends.Mpi.Pmi;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// Starts MPICH without its launcher, through the job's store. <c>sum</c>: computes with it. What is to go wrong otherwise goes wrong in rank 1: <c>spawn</c>: it starts a further
/// process; <c>abort</c>: it gives up in the middle, and the others wait until they hear of it; <c>killed</c>: its process ends as soon as the ranks have met; <c>stopped</c>: it stops there.
/// </summary>
internal static class StartMpich
{
    public static void Run(string[] args)
    {
        RankEnvironment ranks = RankEnvironment.Read();
        var timeout = TimeSpan.FromSeconds(args.Length > 1 ? double.Parse(args[1], CultureInfo.InvariantCulture) : 60);
        Mpich mpi = Mpich.Load();
        using Store store = ranks.ConnectStore(timeout);
        RankPresence.Publish(store, ranks.Rank);
        HostLayout hosts = RankLocations.Exchange(store, ranks.Rank, ranks.WorldSize, RankLocation.Own(ranks.LocalRank, ranks.LocalWorldSize), timeout, CancellationToken.None);
        if (ranks.Rank == 1 && args[0] is "killed" or "stopped")
        {
            using var kill = Process.Start("kill", [args[0] == "killed" ? "-KILL" : "-STOP", Environment.ProcessId.ToString(CultureInfo.InvariantCulture)]);
            kill.WaitForExit();
        }

        using var server = new PmiServer(store, ranks.Rank, hosts, timeout, CancellationToken.None);
        int provided = server.Run("MPI_Init_thread", mpi.Initialize);
        Expect.True(server.WasAsked && mpi.Size() == ranks.WorldSize && mpi.Rank() == ranks.Rank, $"MPICH has rank {mpi.Rank()} of {mpi.Size()}");
        Expect.True(provided >= 2, $"threads: {provided}");
        Expect.True(mpi.SizeOfHost() == ranks.LocalWorldSize, $"MPICH takes {mpi.SizeOfHost()} ranks to be on this host instead of {ranks.LocalWorldSize}");
        if (args[0] == "abort")
        {
            AwaitAbort(mpi, server, ranks.Rank);
        }

        foreach (int count in (int[])[1, 1000, 1 << 18])
        {
            float[] values = [.. Enumerable.Range(0, count).Select(i => (float)((ranks.Rank + 1) * (i % 7)))];
            mpi.AllReduce(values);
            int factor = ranks.WorldSize * (ranks.WorldSize + 1) / 2;
            Expect.True(values.Index().All(value => value.Item == factor * (value.Index % 7)), $"a sum of {count} elements is wrong");
        }

        Expect.True(args[0] != "spawn" || mpi.Spawn() != 0, "a further process was started");
        server.Run("MPI_Finalize", mpi.Finish);
    }

    private static void AwaitAbort(Mpich mpi, PmiServer server, int rank)
    {
        if (rank == 1)
        {
            mpi.Abort(42);

            // MPICH 4.0 comes back when its process manager does not end it; later ones end the process.
            Environment.Exit(42);
        }

        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(30))
        {
            if (server.GivenUp("waiting") is { } givenUp)
            {
                throw givenUp;
            }

            Thread.Yield();
        }
    }
}
