using Convoy.Distributed;

namespace Convoy.Training.Measurement;

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
