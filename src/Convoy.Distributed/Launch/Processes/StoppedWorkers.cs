using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Launch.Processes;

/// <summary>
/// Says within seconds when a worker is stopped, by SIGSTOP or a debugger, and when it goes on: the others wait for it, at the start as well as later, and do not
/// say why before their timeout is over. Nothing else is done about it.
/// </summary>
/// <param name="processes">What sees processes.</param>
/// <param name="notice">Told each time, in a line.</param>
/// <param name="time">The clock.</param>
internal sealed class StoppedWorkers(IProcessTable processes, Action<string> notice, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Dictionary<int, long> _since = [];
    private readonly HashSet<int> _reported = [];

    /// <summary>Looks every second until <paramref name="stop"/>.</summary>
    /// <param name="workers">The rank and the process id of each worker that runs.</param>
    /// <param name="stop">Ends the watch.</param>
    public async Task WatchAsync(Func<IEnumerable<(int Rank, int ProcessId)>> workers, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stop).ConfigureAwait(false))
            {
                foreach ((int rank, int processId) in workers())
                {
                    Look(rank, processId);
                }
            }
        }
        catch (OperationCanceledException)
        {
            return;
        }
    }

    /// <summary>Looks at one worker. What is stopped at two looks counts: a terminal's Ctrl-Z and fg stop this process, too, and end together.</summary>
    internal void Look(int rank, int processId)
    {
        if (processes.Inspect(processId) is { IsStopped: true } status)
        {
            if (_since.TryAdd(processId, time.GetTimestamp()) || !_reported.Add(processId))
            {
                return;
            }

            notice(FormattableString.Invariant($"rank {rank} (pid {processId}) {status.Describe()}, and the others are waiting for it. Resume it{(status.IsTraced ? "" : $" with kill -CONT {processId}")}."));
        }
        else if (_since.Remove(processId, out long since) && _reported.Remove(processId) && processes.Inspect(processId) is not null)
        {
            notice(FormattableString.Invariant($"rank {rank} (pid {processId}) has resumed after {time.GetElapsedTime(since).TotalSeconds:0} s."));
        }
    }
}
