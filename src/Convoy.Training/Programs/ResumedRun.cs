using System.Globalization;
using Convoy.Metrics;
using Convoy.Training.Checkpoints;
using Convoy.Training.Runs;

namespace Convoy.Training.Programs;

/// <summary>What <c>--resume</c> names: a run, and the checkpoint to go on from where it names one.</summary>
/// <param name="Run">The run directory.</param>
/// <param name="Step">The step of the checkpoint that is asked for; null for the newest that is whole.</param>
public sealed record ResumedRun(RunDirectory Run, long? Step)
{
    /// <summary>The run that a command line means: that of <c>--resume</c>, or a new one.</summary>
    /// <param name="output">The value of <c>--out</c>; null for a folder of its own.</param>
    /// <param name="resume">The value of <c>--resume</c>; null for a new run.</param>
    /// <exception cref="BadInputException">Both are given.</exception>
    public static (RunDirectory Run, ResumedRun? Resumed) Choose(string? output, string? resume)
    {
        if (resume is null)
        {
            return (new RunDirectory(output ?? Path.Combine("runs", string.Create(CultureInfo.InvariantCulture, $"train-{TimeProvider.System.GetLocalNow():yyyyMMdd-HHmmss}"))), null);
        }

        ResumedRun resumed = output is null ? Find(resume)
            : throw new BadInputException("--out and --resume both name a run directory", output, "Give --resume alone; the run goes on where it is.");
        return (resumed.Run, resumed);
    }

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
