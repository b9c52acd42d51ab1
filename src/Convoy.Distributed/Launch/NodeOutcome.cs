using Convoy.Distributed.Launch.Membership;

namespace Convoy.Distributed.Launch;

/// <summary>How a start ended on all machines, and what follows: decided by node 0.</summary>
/// <param name="Reports">What each machine said, in the order of GROUP_RANK.</param>
/// <param name="Next">What follows.</param>
/// <param name="Error">Why the job failed where no worker is the cause, or why it starts again: a machine was lost, left, or came; null: a worker is.</param>
internal sealed record NodeOutcome(IReadOnlyList<NodeReport> Reports, NextStep Next, string? Error)
{
    /// <summary>What each machine said.</summary>
    /// <exception cref="System.Text.Json.JsonException">One is null, in an outcome from elsewhere.</exception>
    public IReadOnlyList<NodeReport> Reports { get; } = Reports.Any(report => report is null) ? throw new System.Text.Json.JsonException("a report is null") : Reports;

    /// <summary>Whether the job was interrupted.</summary>
    public bool Interrupted => Next == NextStep.End && Reports.Any(report => report.Interrupted);

    /// <summary>The failures of all machines, the likely cause first.</summary>
    public IReadOnlyList<WorkerFailure> Failures => WorkerFailure.CauseFirst(Reports.SelectMany(report => report.Failures));

    /// <summary>The failure that the others follow from; null when no worker failed by itself.</summary>
    public WorkerFailure? Cause => Failures is [var cause, ..] ? cause : null;

    /// <summary>Decides what follows.</summary>
    /// <param name="start">The start that has ended.</param>
    /// <param name="reports">What each machine said.</param>
    /// <param name="isElastic">Whether the number of machines may change.</param>
    /// <param name="newcomers">The machines for which the start was ended; null: for none.</param>
    /// <param name="maxRestarts">How many restarts there may be.</param>
    public static NodeOutcome Of(NodeStart start, IReadOnlyList<NodeReport> reports, bool isElastic, string? newcomers, int maxRestarts)
    {
        string? lost = Find(report => report.Lost), unable = Find(report => report.Error is not null && !report.Lost);
        IReadOnlyList<WorkerFailure> failures = WorkerFailure.CauseFirst(reports.SelectMany(report => report.Failures));
        if (reports.Any(report => report.Interrupted))
        {
            // Ranks of other machines that failed meanwhile failed because of it.
            return !isElastic || reports[0].Interrupted || reports.All(report => report.Interrupted || report.Finished)
                ? new NodeOutcome(reports, NextStep.End, null)
                : new NodeOutcome(reports, NextStep.Regroup, $"{string.Join(", ", start.Nodes.Zip(reports).Where(each => each.Second.Interrupted).Select(each => each.First.Host))} has left");
        }

        if (unable is not null && failures.Count == 0)
        {
            return new NodeOutcome(reports, NextStep.End, unable);
        }

        // Ranks that only noticed that others are gone are no cause where a machine is.
        if (failures.Count > 0 || lost is not null)
        {
            string? error = lost is not null && failures.All(failure => failure.LostPeer) ? lost : null;
            return new NodeOutcome(reports, start.Restarts < maxRestarts ? NextStep.Restart : NextStep.End, error);
        }

        return newcomers is not null && !reports.All(report => report.Finished) ? new NodeOutcome(reports, NextStep.Regroup, $"{newcomers} has come") : new NodeOutcome(reports, NextStep.End, null);

        string? Find(Func<NodeReport, bool> condition)
        {
            int node = Enumerable.Range(0, reports.Count).FirstOrDefault(node => condition(reports[node]), -1);
            return node < 0 ? null : FormattableString.Invariant($"node {node} failed: {reports[node].Error}.");
        }
    }
}

/// <summary>What follows when a start has ended on all machines.</summary>
internal enum NextStep
{
    /// <summary>The job has ended.</summary>
    End,

    /// <summary>All start again after a failure, which counts as a restart.</summary>
    Restart,

    /// <summary>All start again because a machine has come or left, which does not.</summary>
    Regroup,
}
