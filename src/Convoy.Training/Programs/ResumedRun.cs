using Convoy.Metrics;
using Convoy.Training.Checkpoints;
using Convoy.Training.Runs;

namespace Convoy.Training.Programs;

/// <summary>What <c>--resume</c> names: a run, and the checkpoint to go on from where it names one.</summary>
/// <param name="Run">The run directory.</param>
/// <param name="Step">The step of the checkpoint that is asked for; null for the newest that is whole.</param>
public sealed record ResumedRun(RunDirectory Run, long? Step)
{
    /// <summary>Reads the option's value: <c>RUN</c> or <c>RUN/checkpoints/step-000120</c>.</summary>
    public static ResumedRun Find(string path)
    {
        var run = new RunDirectory(path);
        string folder = Path.TrimEndingDirectorySeparator(run.Root);
        return !File.Exists(run.Config)
            && CheckpointStore.StepOf(Path.GetFileName(folder)) is { } step
            && Path.GetDirectoryName(folder) is { } checkpoints
            && Path.GetDirectoryName(checkpoints) is { } root
            && new RunDirectory(root) is var owner
            && owner.Checkpoints == checkpoints
            ? new ResumedRun(owner, step)
            : new ResumedRun(run, null);
    }

    /// <summary>Where the run goes on from.</summary>
    /// <param name="processes">The processes that go on with it.</param>
    /// <exception cref="BadInputException">The checkpoint that is asked for is not there or not whole, or none is.</exception>
    public StartingPoint Start(int processes)
    {
        if (Step is not { } step)
        {
            return StartingPoint.Find(Run, processes);
        }

        Checkpoint checkpoint = Run.CheckpointOf(step);
        checkpoint.Verify();
        return new StartingPoint(checkpoint, []);
    }

    /// <summary>Whether the run has done <paramref name="steps"/> steps and left behind all that a run leaves.</summary>
    /// <param name="steps">The run's steps.</param>
    /// <param name="scored">Whether it is scored at its end.</param>
    public bool IsComplete(long steps, bool scored)
    {
        if (!File.Exists(Run.Metrics))
        {
            return false;
        }

        try
        {
            return MetricsFile.Read(Run.Metrics).Metrics is [.., { } last] && last.Step >= steps
                && (!scored || (File.Exists(Run.Evaluation) && File.GetLastWriteTimeUtc(Run.Evaluation) >= File.GetLastWriteTimeUtc(Run.Metrics)));
        }
        catch (MetricsFormatException)
        {
            return false;
        }
    }
}
