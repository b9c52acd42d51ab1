using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker.RandomOperations;

/// <summary>A random sequence of operations in several groups, which a seed determines.</summary>
internal static class RandomCase
{
    private static readonly ScalarType[] Types =
        [float32, float64, float16, bfloat16, int8, int16, int32, int64, uint8, ScalarType.Bool];

    private static readonly OperationKind[] Kinds =
    [
        OperationKind.AllReduce, OperationKind.AllReduce, OperationKind.AllReduce, OperationKind.Broadcast, OperationKind.Reduce, OperationKind.AllGather, OperationKind.Gather,
        OperationKind.Scatter, OperationKind.ReduceScatter, OperationKind.AllToAll, OperationKind.Send, OperationKind.Send, OperationKind.Barrier,
    ];

    /// <summary>The members of the groups in a world of so many ranks; the first group is the world itself.</summary>
    public static IReadOnlyList<int[]> Groups(int worldSize)
    {
        int[] all = [.. Enumerable.Range(0, worldSize)];
        return worldSize == 1
            ? [all, all]
            : [all, [.. all.Reverse()], [.. all.Where(rank => rank % 2 == 0)], [.. all.Where(rank => rank % 2 == 1)], all[..((worldSize + 1) / 2)], [worldSize - 1]];
    }

    /// <summary>The operations of a case, 1 to 9.</summary>
    public static IReadOnlyList<RandomOperation> Operations(int seed, int worldSize)
    {
        var random = new Random(seed);
        IReadOnlyList<int[]> groups = Groups(worldSize);
        return [.. Enumerable.Range(0, random.Next(1, 10)).Select(index => Next(random, index, groups))];
    }

    private static RandomOperation Next(Random random, int index, IReadOnlyList<int[]> groups)
    {
        // Half of all operations are those of the world; the others run in several groups at the same time.
        int group = random.Next(2) == 0 ? 0 : random.Next(groups.Count), size = groups[group].Length;
        OperationKind kind = Kinds[random.Next(Kinds.Length)];
        ScalarType type = Types[random.Next(Types.Length)];
        ReduceOp[] fitting = [.. Enum.GetValues<ReduceOp>().Where(op => ReduceOps.Supports(type, op))];
        int root = random.Next(size);
        return new RandomOperation(
            index,
            kind == OperationKind.Send && size == 1 ? OperationKind.Barrier : kind,
            group,
            type,
            Count(random),
            fitting[random.Next(fitting.Length)],
            root,
            (root + 1 + random.Next(Math.Max(1, size - 1))) % size,
            random.Next(3),
            (TensorLayout)random.Next(Enum.GetValues<TensorLayout>().Length),
            kind is OperationKind.AllReduce or OperationKind.Broadcast && random.Next(3) == 0,
            random.Next(2) == 0);
    }

    private static long Count(Random random) => random.Next(20) switch
    {
        0 => 0,
        1 or 2 => 1 + random.Next(3),
        < 10 => random.Next(200),
        < 17 => random.Next(5_000),
        < 19 => random.Next(30_000),
        // Through the scratch areas in several pieces.
        _ => random.Next(150_000),
    };
}
