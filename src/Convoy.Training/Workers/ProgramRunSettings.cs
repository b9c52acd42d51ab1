using Convoy.Distributed.Launch;
using Convoy.Metrics;

namespace Convoy.Training.Workers;

/// <summary>One run of any program: the program, the configuration, and how long it may take.</summary>
public sealed record ProgramRunSettings
{
    /// <summary>The program and its arguments.</summary>
    public required LaunchProgram Program { get; init; }

    /// <summary>How many processes of it: WORLD_SIZE; at least 1.</summary>
    public required int Processes { get; init; }

    /// <summary>OMP_NUM_THREADS; at least 1.</summary>
    public required int Threads { get; init; }

    /// <summary><see cref="ProgramVariables.Precision"/>; null, the default, when the program is not asked for one.</summary>
    public Precision? Precision { get; init; }

    /// <summary><see cref="ProgramVariables.Steps"/>: steps of the whole run, the warm-up included; at least 1.</summary>
    public required int Steps { get; init; }

    /// <summary><see cref="ProgramVariables.WarmupSteps"/>: those of them that will not count; 0 or more. Default 0.</summary>
    public int WarmupSteps { get; init; }

    /// <summary>How long the run may take, from the start of its processes to their end.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>Whether the run's folder stays, so that a failure may point to the logs in it. Default: true.</summary>
    public bool KeepsLogs { get; init; } = true;

    /// <summary>More variables for the processes. Default: none.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();
}

/// <summary>The environment variables by which a run of a study tells any program what is wanted. A program that reads none of them is measured by the time of its whole run.</summary>
public static class ProgramVariables
{
    /// <summary>The folder where a rank may write its <c>metrics_rank{r}.jsonl</c>, a line a step; <see cref="StepRecorder"/> does.</summary>
    public const string Folder = StepRecorder.FolderVariable;

    /// <summary>How many steps the program should take.</summary>
    public const string Steps = StepRecorder.StepsVariable;

    /// <summary>How many of the steps, at the start, will not count.</summary>
    public const string WarmupSteps = "CONVOY_WARMUP_STEPS";

    /// <summary>The precision to compute in: <c>fp32</c>, <c>bf16</c>, <c>fp16</c>. Set only where the user asks for one.</summary>
    public const string Precision = "CONVOY_PRECISION";
}
