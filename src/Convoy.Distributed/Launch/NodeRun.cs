namespace Convoy.Distributed.Launch;

/// <summary>One start of the workers on several machines, as this machine's launcher sees it.</summary>
internal sealed class NodeRun(PeerNodes peers, int start)
{
    /// <summary>Runs this machine's workers until those of all machines have ended.</summary>
    /// <param name="runGroup">
    /// Runs this machine's workers; it learns when another machine wants them ended, and says when this one does.
    /// </param>
    /// <exception cref="PeerNodeException">Another machine could not run its workers, or is lost.</exception>
    public async Task<LaunchResult> RunAsync(Func<Task<StopReason>, Action<StopReason>, Task<GroupOutcome>> runGroup)
    {
        var stop = new TaskCompletionSource<StopReason>(TaskCreationOptions.RunContinuationsAsynchronously);
        var report = new TaskCompletionSource<NodeReport>(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<IReadOnlyList<NodeReport>> watching = peers.WatchAsync(start, stop, report.Task);
        GroupOutcome outcome;
        try
        {
            outcome = await runGroup(stop.Task, AskToStop).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            // The others hear of it and end; the error itself is this launcher's to tell.
            AskToStop(StopReason.Failure);
            report.SetResult(new NodeReport([], false, error.Message.TrimEnd('.')));
            await ((Task)watching).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }

        report.SetResult(new NodeReport(outcome.Failures, outcome.Interrupted, null));
        return Combine(outcome, await watching.ConfigureAwait(false));
    }

    private LaunchResult Combine(GroupOutcome outcome, IReadOnlyList<NodeReport> reports)
    {
        IReadOnlyList<WorkerFailure> failures = WorkerFailure.CauseFirst(reports.SelectMany(r => r.Failures));
        bool interrupted = reports.Any(r => r.Interrupted);
        if (failures.Count == 0 && !interrupted && reports.Index().FirstOrDefault(r => r.Item.Error is not null) is { Item: { } failed, Index: int node })
        {
            throw new PeerNodeException(FormattableString.Invariant($"node {node} failed: {failed.Error}."));
        }

        return LaunchResult.From(outcome.ExitCodes, failures, interrupted, start, severalNodes: true);
    }

    // A store that is gone is the watch's to report: it looks all the time.
    private void AskToStop(StopReason reason)
    {
        try
        {
            peers.AskToStop(start, reason);
        }
        catch (RendezvousException)
        {
            return;
        }
    }
}
