using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>Rank 1 calls something else than the others: every rank must say so, and the group is broken afterwards.</summary>
internal static class Mismatch
{
    public static void Run(string[] args)
    {
        using ProcessGroup group = Groups.Join(args);
        try
        {
            using Tensor tensor = ones([group.Rank == 1 ? 5 : 4], float32);
            group.AllReduce(tensor);
        }
        catch (CollectiveMismatchException error)
        {
            Expect.True(error.Message.Contains("AllReduce([5] Float32", StringComparison.Ordinal) && error.Message.Contains("AllReduce([4] Float32", StringComparison.Ordinal), error.Message);
            try
            {
                group.Barrier();
            }
            catch (CollectiveMismatchException)
            {
                return;
            }

            throw new InvalidOperationException("a broken group went on", error);
        }

        throw new InvalidOperationException("nobody noticed");
    }
}
