using System.Globalization;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>What rank 0 does for all or before all, and the seeds of the ranks. Argument: a folder of this test's own.</summary>
internal static class MainRank
{
    public static void Run(string[] args)
    {
        using ProcessGroup group = Groups.Join(args);
        Expect.True(group.IsMain == (group.Rank == 0), "IsMain");
        Expect.True(group.LocalRank == int.Parse(Environment.GetEnvironmentVariable("LOCAL_RANK")!, CultureInfo.InvariantCulture) && group.LocalSize == group.Size, "the place on the machine");
        group.Print($"printed by rank {group.Rank}");
        PrepareFirst(group, Path.Combine(args[0], "prepared"));
        FailFirst(group);
        CheckSeeds(group);
    }

    private static void PrepareFirst(ProcessGroup group, string file)
    {
        string found = group.MainFirst(() =>
        {
            if (!File.Exists(file))
            {
                Expect.True(group.IsMain, $"rank {group.Rank} came before rank 0");
                File.WriteAllText(file, "by rank 0");
            }

            return File.ReadAllText(file);
        });
        Expect.True(found == "by rank 0", found);
    }

    private static void FailFirst(ProcessGroup group)
    {
        bool called = false;
        void Fail() => group.MainFirst(() =>
        {
            called = true;
            throw new IOException("no room");
        });
        if (group.IsMain)
        {
            Expect.Throws<IOException>(Fail, "no room");
        }
        else
        {
            Expect.Throws<DistributedException>(Fail, "MainFirst: rank 0 failed: no room");
        }

        Expect.True(called == group.IsMain, "the others do not begin what rank 0 could not do");
        group.Barrier();
    }

    private static void CheckSeeds(ProcessGroup group)
    {
        RandomSources sources = group.Seed(11);
        float[][] weights = Drawn(group);
        Expect.True(weights.All(one => one.SequenceEqual(weights[0])), "the same model on all ranks");
        sources.SeparateRanks();
        float[][] dropped = Drawn(group);
        Expect.True(dropped.DistinctBy(one => one[0]).Count() == group.Size, "another sequence on each rank");
        IReadOnlyList<int> shared = group.AllGatherObject(sources.CreateSharedRandom(1).Next()), own = group.AllGatherObject(sources.CreateRandom(1).Next());
        Expect.True(shared.Distinct().Count() == 1 && own.Distinct().Count() == group.Size, ".NET's generators");
    }

    private static float[][] Drawn(ProcessGroup group)
    {
        using Tensor drawn = rand(3);
        return [.. group.AllGatherObject(drawn.data<float>().ToArray())];
    }
}
