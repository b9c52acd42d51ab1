using System.Diagnostics;
using System.Globalization;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// Many processes use one <see cref="FileStore"/> at once: counters lose nothing, one leader wins each compare-and-set, and all
/// see all keys. Arguments: the file, the number of rounds, and "kill" when the last rank is to be killed at some point of its
/// work, which must not disturb the others.
/// </summary>
internal static class FileStoreTraffic
{
    public static void Run(string[] args)
    {
        RankEnvironment place = RankEnvironment.Read();
        int rounds = int.Parse(args[1], CultureInfo.InvariantCulture);
        bool kill = args[2] == "kill";
        int last = place.WorldSize - 1;
        using var store = new FileStore(args[0], place.WorldSize, TimeSpan.FromSeconds(60));
        Meet(store, "here", place.Rank, place.WorldSize);
        if (kill && place.Rank == last)
        {
            AddUntilKilled(store);
        }

        for (int round = 0; round < rounds; round++)
        {
            store.Add("sum", 1);
            string leader = string.Create(CultureInfo.InvariantCulture, $"leader/{round}");
            string won = store.CompareSet(leader, "", $"rank {place.Rank}");
            Expect.True(won == store.GetText(leader), $"{leader}: {won} is not {store.GetText(leader)}");
        }

        int alive = kill ? last : place.WorldSize;
        Meet(store, "done", place.Rank, alive);
        long sum = store.Add("sum", 0);
        Expect.True(sum == rounds * alive, $"sum: expected {rounds * alive}, found {sum}");
        Expect.True(Enumerable.Range(0, rounds).All(round => store.Contains($"leader/{round}")), "a leader is missing");
    }

    private static void Meet(Store store, string key, int rank, int count)
    {
        store.Set($"{key}/{rank}", "");
        store.Wait([.. Enumerable.Range(0, count).Select(other => $"{key}/{other}")]);
    }

    private static void AddUntilKilled(FileStore store)
    {
        byte[] value = new byte[1 << 16];
        long start = Stopwatch.GetTimestamp();
        new Thread(() =>
        {
            while (Stopwatch.GetElapsedTime(start) < TimeSpan.FromMilliseconds(300))
            {
                Thread.Yield();
            }

            Process.GetCurrentProcess().Kill();
        }).Start();
        while (true)
        {
            store.Set("victim", value);
        }
    }
}
