namespace Convoy.Torch.Kernels;

/// <summary>Runs pieces of work that do not depend on each other.</summary>
public static class Parallelism
{
    /// <summary>Runs pieces 0 to <paramref name="pieces"/> - 1, on this thread alone when <paramref name="threads"/> is 1.</summary>
    /// <param name="pieces">How many pieces there are.</param>
    /// <param name="threads">How many threads may work, as <c>torch.get_num_threads()</c> says.</param>
    /// <param name="piece">Does the piece of a number; from several threads at a time.</param>
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
