using System.Runtime.ExceptionServices;

namespace Convoy.Distributed.Backends.Mpi;

/// <summary>Starting MPI, which waits for all ranks and cannot be interrupted: whoever joins does not wait longer than it wants to.</summary>
internal static class MpiStart
{
    /// <summary>Runs <paramref name="join"/> on a thread of its own.</summary>
    /// <exception cref="DistributedException">It was not done in time, or failed.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was signalled.</exception>
    public static T Within<T>(TimeSpan timeout, Func<T> join, CancellationToken cancellation)
        where T : class
    {
        T? joined = null;
        ExceptionDispatchInfo? failure = null;
        // Not disposed: after a time-out the thread still sets it.
        var done = new ManualResetEventSlim();
        var thread = new Thread(() =>
        {
            try
            {
                joined = join();
            }
            catch (Exception error)
            {
                failure = ExceptionDispatchInfo.Capture(error);
            }

            done.Set();
        })
        { IsBackground = true, Name = "convoy mpi start" };
        thread.Start();

        // A wait counts in milliseconds up to 24 days.
        TimeSpan limit = timeout.TotalMilliseconds < int.MaxValue ? timeout : TimeSpan.FromMilliseconds(int.MaxValue);
        if (!done.Wait(limit, cancellation))
        {
            throw new MpiException(FormattableString.Invariant(
                $"MPI did not start on all ranks within {timeout.TotalSeconds:0.###} s. Check that every process was started and joins the group, that the hosts reach each other, and the output of the other ranks."));
        }

        thread.Join();
        failure?.Throw();
        return joined!;
    }
}
