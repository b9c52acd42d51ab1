using System.Diagnostics;

namespace Convoy.Distributed.Nn.GradientReduction;

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
