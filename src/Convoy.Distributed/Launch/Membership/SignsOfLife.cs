namespace Convoy.Distributed.Launch.Membership;

/// <summary>
/// Tells node 0 again and again that this launcher is alive, on a thread of its own, and notices when node 0 no longer answers, or counts this launcher as lost.
/// </summary>
/// <remarks>
/// A launcher that cannot reach node 0 has to end its workers before node 0 starts others in their place: it gives up after two thirds of the time after which
/// node 0 gives it up.
/// </remarks>
internal sealed class SignsOfLife : IDisposable
{
    private readonly JobBoard _board;
    private readonly long _ticket;
    private readonly TimeSpan _interval;
    private readonly TimeProvider _time;
    private readonly ManualResetEventSlim _stop = new();
    private readonly TaskCompletionSource<string> _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _thread;
    private readonly ITimer _watch;
    private long _lastAnswer;

    /// <summary>Begins.</summary>
    /// <param name="board">Where the launchers meet.</param>
    /// <param name="ticket">This launcher's ticket.</param>
    /// <param name="interval">The time between two signs.</param>
    /// <param name="nodeTimeout">The time without a sign after which a launcher counts as lost.</param>
    /// <param name="time">The clock.</param>
    public SignsOfLife(JobBoard board, long ticket, TimeSpan interval, TimeSpan nodeTimeout, TimeProvider time)
    {
        (_board, _ticket, _interval, _time) = (board, ticket, interval, time);
        TimeSpan patience = nodeTimeout * (2.0 / 3.0);
        _lastAnswer = time.GetTimestamp();
        _watch = time.CreateTimer(
            _ =>
            {
                if (time.GetElapsedTime(Volatile.Read(ref _lastAnswer)) > patience)
                {
                    _lost.TrySetResult(FormattableString.Invariant($"it has not answered for {patience.TotalSeconds:0.###} s. Check whether that machine, its launcher and the network between are still there."));
                }
            },
            null,
            interval,
            interval);
        _thread = new Thread(Give) { IsBackground = true, Name = "convoy: signs of life" };
        _thread.Start();
    }

    /// <summary>Ends, with the reason, when node 0 is lost to this launcher, or this launcher to node 0.</summary>
    public Task<string> Lost => _lost.Task;

    /// <summary>Ends it. A request that is under way is left to end by itself.</summary>
    public void Dispose()
    {
        _stop.Set();
        _watch.Dispose();
    }

    private void Give()
    {
        try
        {
            do
            {
                _board.Beat(_ticket);
                Volatile.Write(ref _lastAnswer, _time.GetTimestamp());
                if (_board.IsLost(_ticket))
                {
                    _lost.TrySetResult("it had no sign of life of this machine for too long and counts it as lost. Check whether this machine was stopped, or the network was cut.");
                }
            }
            while (!_stop.Wait(_interval) && !_lost.Task.IsCompleted);
        }
        catch (Exception error) when (error is DistributedException or ObjectDisposedException)
        {
            // After the end the store may be closed at any time.
            if (!_stop.IsSet)
            {
                _lost.TrySetResult(error.Message);
            }
        }
    }
}
