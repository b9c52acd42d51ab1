using Convoy.Metrics;
using Convoy.Training.Checkpoints;

namespace Convoy.Training.Runs;

/// <summary>Where a run goes on from: its newest checkpoint that is whole, or its beginning.</summary>
/// <param name="Checkpoint">The checkpoint, whose files were compared with their sums; null for the beginning.</param>
/// <param name="Warnings">What was passed over on the way to it, and why: a line each.</param>
public sealed record StartingPoint(Checkpoint? Checkpoint, IReadOnlyList<string> Warnings)
{
    /// <summary>Looks for the checkpoint. Nothing is changed.</summary>
    /// <param name="run">The run.</param>
    /// <param name="processes">The processes that go on with it. Steps whose record one of theirs lost are taken again where an older checkpoint allows it.</param>
    /// <exception cref="BadInputException">The run has checkpoints, but none is whole.</exception>
    public static StartingPoint Find(RunDirectory run, int processes)
    {
        ArgumentNullException.ThrowIfNull(run);
        var warnings = new List<string>();
        (string Name, StepMetricsRecord Record)[] damaged =
        [
            .. Enumerable.Range(0, processes).Select(rank => (Path.GetFileName(run.MetricsLog(rank)), StepMetricsRecord.Read(run.MetricsLog(rank)))).Where(log => log.Item2.Damage is not null),
        ];
        Checkpoint? newest = null, start = null;
        foreach (Checkpoint checkpoint in Checkpoint.Whole(run.Checkpoints, warnings))
        {
            newest ??= checkpoint;
            if (damaged.All(log => checkpoint.State.Step <= log.Record.LastSoundStep))
            {
                start = checkpoint;
                break;
            }
        }

        start ??= newest;
        if (start is null && warnings.Count > 0)
        {
            throw new BadInputException("the run has no checkpoint that is whole", string.Join(" ", warnings).TrimEnd('.'), $"Start a new run, or delete {run.Checkpoints} and start from the beginning with --resume.");
        }

        long step = start?.State.Step ?? 0;
        foreach ((string name, StepMetricsRecord record) in damaged)
        {
            string from = start is null ? "the beginning" : Path.GetFileName(start.Folder);
            string consequence = step <= record.LastSoundStep
                ? $"its steps are taken again from {from}"
                : "no checkpoint is older; the run's record has of its steps what metrics.json or another rank has";
            warnings.Add($"{name}, {record.Damage}: {consequence}.");
        }

        return new StartingPoint(start, warnings);
    }
}
