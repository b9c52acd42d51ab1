namespace Convoy.Distributed.Kernels;

/// <summary>Runs pieces of work that do not depend on each other.</summary>
internal static class Parallelism
{
    /// <summary>Runs pieces 0 to <paramref name="pieces"/> - 1, on this thread alone when <paramref name="threads"/> is 1.</summary>
    public static void Run(int pieces, int threads, Action<int> piece)
    {
        if (threads > 1 && pieces > 1)
        {
            Parallel.For(0, pieces, new ParallelOptions { MaxDegreeOfParallelism = threads }, piece);
            return;
        }

        for (int i = 0; i < pieces; i++)
        {
            piece(i);
        }
    }
}
