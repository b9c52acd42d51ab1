using System.Diagnostics;

namespace Convoy.Distributed.GradientReduction;

/// <summary>
/// Where the time of the last step went; seconds on this rank. <paramref name="BackwardSeconds"/>,
/// <paramref name="CommunicationSeconds"/> and <paramref name="WaitSeconds"/> add up to the duration of the call to backward.
/// </summary>
/// <param name="ForwardSeconds">The forward passes since the backward pass before, including the broadcast of buffers.</param>
/// <param name="BackwardSeconds">
/// From the start to the end of the computation of gradients. What other communication does inside it, that of SyncBatchNorm, counts as computing.
/// </param>
/// <param name="CommunicationSeconds">
/// The exposed communication: what was left to exchange when the computation had ended, without the waiting. In the first step
/// also the making of new buckets.
/// </param>
/// <param name="WaitSeconds">The part of the time after the computation in which slower ranks had not come yet. 0 when the backend cannot tell.</param>
/// <param name="CommunicationTotalSeconds">All exchange, hidden behind the computation or not, without waiting.</param>
/// <param name="WaitTotalSeconds">All waiting for slower ranks by buckets that this rank had ready, hidden behind the computation or not.</param>
public readonly record struct ReducerTimings(
    double ForwardSeconds,
    double BackwardSeconds,
    double CommunicationSeconds,
    double WaitSeconds,
    double CommunicationTotalSeconds,
    double WaitTotalSeconds);

/// <summary>
/// One bucket of gradients in a backward pass; seconds on this rank since the pass began, so that a replay can tell what another
/// link, or other ranks, would have made of the step.
/// </summary>
/// <param name="Bytes">The size of the bucket, gaps of up to 64 bytes between its gradients included.</param>
/// <param name="ReadySeconds">
/// When the gradients of the bucket were complete, late by at most about a thirtieth of the pass (1 to 20 ms); the end of the
/// computation for a bucket with parameters that the pass did not use. Known in every pass, also with one process.
/// </param>
/// <param name="ExchangedSeconds">When the mean over the ranks was there; null when nothing was exchanged: with one process, and without synchronization.</param>
public readonly record struct BucketTiming(long Bytes, double ReadySeconds, double? ExchangedSeconds);

/// <summary>Keeps the operations of a backward pass and sorts their time into exchange and waiting, hidden and exposed.</summary>
internal sealed class ReducerTimer : IOperationObserver
{
    private readonly Lock _gate = new();
    private readonly List<Work> _finished = [];

    public void Started(Work work)
    {
        // What counts is known when it is over.
    }

    public void Finished(Work work)
    {
        lock (_gate)
        {
            _finished.Add(work);
        }
    }

    /// <summary>Forgets earlier operations.</summary>
    public void Reset()
    {
        lock (_gate)
        {
            _finished.Clear();
        }
    }

    /// <param name="start">When backward was called.</param>
    /// <param name="computed">When the gradients of this rank were all computed.</param>
    /// <param name="end">When backward returns.</param>
    public ReducerTimings Measure(long start, long computed, long end)
    {
        lock (_gate)
        {
            long exchange = 0, wait = 0, exposedWait = 0;
            foreach (Work work in _finished)
            {
                long arrived = work.AllArrivedTimestamp == 0 ? work.StartedTimestamp : work.AllArrivedTimestamp;
                wait += arrived - work.StartedTimestamp;
                exchange += work.FinishedTimestamp - arrived;
                exposedWait += Math.Max(0, arrived - Math.Max(computed, work.StartedTimestamp));
            }

            return new ReducerTimings(0, Seconds(computed - start), Seconds(Math.Max(0, end - computed - exposedWait)), Seconds(exposedWait), Seconds(exchange), Seconds(wait));
        }
    }

    private static double Seconds(long ticks) => Stopwatch.GetElapsedTime(0, ticks).TotalSeconds;
}
