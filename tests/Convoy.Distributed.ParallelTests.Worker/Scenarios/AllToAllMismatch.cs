using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>Rank 0 gives rank 1 another number of elements than that expects: every rank says so, also those that it does not concern.</summary>
internal static class AllToAllMismatch
{
    public static void Run(string[] args)
    {
        using ProcessGroup group = Groups.Join(args);
        using var scope = NewDisposeScope();
        Tensor[] inputs = [.. Enumerable.Range(0, group.Size).Select(rank => ones([group.Rank == 0 && rank == 1 ? 5 : 4], float32))];
        Tensor[] outputs = [.. Enumerable.Range(0, group.Size).Select(_ => zeros([4], float32))];
        try
        {
            group.AllToAll(outputs, inputs);
        }
        catch (CollectiveMismatchException error)
        {
            Expect.True(error.Message.Contains("rank 0 gives rank 1 5 elements, but rank 1 expects 4", StringComparison.Ordinal), error.Message);
            return;
        }

        throw new InvalidOperationException("nobody noticed");
    }
}
