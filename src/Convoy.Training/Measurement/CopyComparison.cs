using Convoy.Distributed;
using TorchSharp;
using static TorchSharp.torch;

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
                if (AnyAsksToStop(stop))
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
        using DisposeScope scope = NewDisposeScope();
        var ends = new double[group.Size][];
        Array.Fill(ends, new double[Lead + Counted]);
        var own = new double[Lead + Counted];
        group.Barrier();
        long start = time.GetTimestamp();
        for (int i = 0; group.Rank < ranks && i < own.Length; i++)
        {
            update();
            own[i] = time.GetElapsedTime(start).TotalSeconds;
        }

        Tensor shared = zeros([group.Size, own.Length], ScalarType.Float64);
        shared[group.Rank].copy_(tensor(own));
        group.AllReduce(shared);
        return [.. Enumerable.Range(0, ranks).Select(rank => shared[rank].data<double>().ToArray())];
    }

    private bool AnyAsksToStop(CancellationToken stop)
    {
        using Tensor asked = tensor(stop.IsCancellationRequested ? 1.0 : 0.0);
        group.AllReduce(asked, ReduceOp.Max);
        return asked.item<double>() > 0;
    }
}

/// <summary>One round of <c>bench step --copies</c>: samples a second of N processes.</summary>
/// <param name="Alone">N times what one of the copies does while the others wait.</param>
/// <param name="Copies">What N copies do together.</param>
/// <param name="InStep">What they would do if each waited for the slowest after every update.</param>
/// <param name="Ranks">What N ranks do, which train together.</param>
public sealed record CopyRound(double Alone, double Copies, double InStep, double Ranks)
{
    /// <summary>Reckons a round up.</summary>
    /// <param name="samples">Samples of one update over all ranks.</param>
    /// <param name="ranks">For each rank the times at which its updates ended, of which the first is not counted; together.</param>
    /// <param name="copies">The same of the copies.</param>
    /// <param name="alone">The same of one copy alone.</param>
    internal static CopyRound Of(int samples, double[][] ranks, double[][] copies, double[][] alone)
    {
        double share = (double)samples / copies.Length;
        return new CopyRound(copies.Length * Rate(alone, share), Rate(copies, share), samples / SlowestUpdate(copies), Rate(ranks, share));
    }

    // Samples a second while all of them trained: from the time at which the last has done its first update to that at which the first has done all.
    private static double Rate(double[][] ends, double share)
    {
        double from = ends.Max(own => own[0]), to = ends.Min(own => own[^1]);
        return to > from ? share * ends.Sum(own => Progress(own, to) - Progress(own, from)) / (to - from)
            : throw new DistributedException("the copies were not at work at the same time. Leave the machine alone while it is measured.");
    }

    // Updates done at a time, with the part of the one that is going on.
    private static double Progress(double[] ends, double at)
    {
        int next = Array.FindIndex(ends, end => end >= at);
        double before = next == 0 ? 0 : ends[next - 1];
        return next + ((at - before) / (ends[next] - before));
    }

    private static double SlowestUpdate(double[][] ends) =>
        Enumerable.Range(1, ends[0].Length - 1).Average(update => ends.Max(own => own[update] - own[update - 1]));
}
