using Convoy.Distributed;

namespace Convoy.Training.Measurement;

/// <summary>
/// Sets N ranks beside N independent copies: the same processes, by turns training together and each alone on its own model and its share of the batch, without
/// telling each other anything. Turns of a few updates follow one another within seconds, so that what slows the machine for a while slows all of them.
/// </summary>
/// <param name="group">The ranks.</param>
/// <param name="samples">Samples of one update over all ranks.</param>
/// <param name="time">The clock.</param>
internal sealed class CopyComparison(ProcessGroup group, int samples, TimeProvider time)
{
    // The first brings back into the caches what the turn before pushed out, and is not counted.
    private const int Lead = 1, Counted = 2;

    private readonly RankAgreement _ranks = new(group);

    /// <summary>Takes the rounds; all ranks call it together.</summary>
    /// <param name="rounds">How many.</param>
    /// <param name="together">One update of the model that all ranks train.</param>
    /// <param name="apart">One update of this rank's own model.</param>
    /// <param name="stop">Ends it before the next turn.</param>
    /// <returns>What was measured, the same on all ranks; fewer rounds when any rank was asked to stop.</returns>
    public IReadOnlyList<CopyRound> Run(int rounds, Action together, Action apart, CancellationToken stop)
    {
        var done = new List<CopyRound>();
        (string Name, Action Update, int Ranks)[] turns = [("ranks", together, group.Size), ("copies", apart, group.Size), ("alone", apart, 1)];
        for (int round = 0; round < rounds; round++)
        {
            var ends = new Dictionary<string, double[][]>();
            foreach ((string name, Action update, int ranks) in round % 2 == 0 ? turns : turns.Reverse())
            {
                if (_ranks.Largest(stop.IsCancellationRequested ? 1 : 0) > 0)
                {
                    return done;
                }

                ends[name] = Take(update, ranks);
            }

            done.Add(CopyRound.Of(samples, ends["ranks"], ends["copies"], ends["alone"]));
        }

        return done;
    }

    // The times at which each rank's updates ended, from its start.
    private double[][] Take(Action update, int ranks)
    {
        var own = new double[Lead + Counted];
        group.Barrier();
        long start = time.GetTimestamp();
        for (int i = 0; group.Rank < ranks && i < own.Length; i++)
        {
            update();
            own[i] = time.GetElapsedTime(start).TotalSeconds;
        }

        return [.. group.AllGatherObject(own).Take(ranks)];
    }
}
