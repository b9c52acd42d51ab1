using System.Globalization;
using Convoy.Distributed.ParallelTests.Worker.RandomOperations;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// <c>RandomCollectives SEED CASES [only=I,J,...] [fault=KIND] [hosts=0,0,1]</c>: the cases of the seeds from SEED on. <c>only</c>: just these
/// operations of each case; <c>fault</c>: the last rank sees a wrong bit after operations of that kind with over 100 elements.
/// A failure begins with "case SEED, operation INDEX".
/// </summary>
internal static class RandomCollectives
{
    public static void Run(string[] args)
    {
        int seed = int.Parse(args[0], CultureInfo.InvariantCulture), cases = int.Parse(args[1], CultureInfo.InvariantCulture);
        int[]? only = Argument(args, "only=")?.Split(',').Select(index => int.Parse(index, CultureInfo.InvariantCulture)).ToArray();
        OperationKind? fault = Argument(args, "fault=") is { } name ? Enum.Parse<OperationKind>(name) : null;
        using ProcessGroup world = Groups.Join(args);
        IReadOnlyList<int[]>[] levels = [.. RandomCase.Groups(world.Size).Select(members => Groups.Levels(args, members))];
        ProcessGroup?[] groups = [world, .. RandomCase.Groups(world.Size).Skip(1).Select(world.NewGroup)];
        try
        {
            // What a group keeps for all its operations it has from now on.
            using (Tensor first = ones(1))
            {
                Array.ForEach(groups, group => group?.AllReduce(first));
            }

            long tensors = Tensor.TotalCount;
            for (int i = 0; i < cases; i++)
            {
                RunCase(seed + i, groups, levels, only, fault);
                world.Barrier();
                Expect.True(Tensor.TotalCount <= tensors, $"case {seed + i} left {Tensor.TotalCount - tensors} tensors behind");
            }
        }
        finally
        {
            foreach (ProcessGroup? group in groups.Skip(1))
            {
                group?.Dispose();
            }
        }
    }

    private static string? Argument(string[] args, string name) =>
        args.FirstOrDefault(argument => argument.StartsWith(name, StringComparison.Ordinal))?[name.Length..];

    private static void RunCase(int seed, ProcessGroup?[] groups, IReadOnlyList<int[]>[] levels, int[]? only, OperationKind? fault)
    {
        using var scope = NewDisposeScope();
        ProcessGroup world = groups[0]!;
        var runs = new List<(RandomOperation Operation, OperationRun Run)>();
        try
        {
            foreach (RandomOperation operation in RandomCase.Operations(seed, world.Size).Where(operation => only?.Contains(operation.Index) ?? true))
            {
                if (groups[operation.Group] is { } group)
                {
                    var run = new OperationRun(operation, group, levels[operation.Group], seed);
                    runs.Add((operation, run));
                    Attempt(seed, operation, run.Start);
                }
            }

            foreach ((RandomOperation operation, OperationRun run) in runs)
            {
                Attempt(seed, operation, () => run.Check(operation.Kind == fault && operation.Count > 100 && world.Rank == world.Size - 1));
            }
        }
        finally
        {
            runs.ForEach(entry => entry.Run.Free());
        }
    }

    private static void Attempt(int seed, RandomOperation operation, Action action)
    {
        try
        {
            action();
        }
        catch (Exception error)
        {
            throw new InvalidOperationException($"case {seed}, operation {operation.Index}: {operation}: {error.GetType().Name}: {error.Message}", error);
        }
    }
}
