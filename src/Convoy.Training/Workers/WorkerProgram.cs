using Convoy.Distributed.Launch;

namespace Convoy.Training.Workers;

/// <summary>A program with a task, as Convoy starts its processes: the same program for everything, told by its environment what to be.</summary>
/// <param name="Program">The program and its arguments.</param>
public sealed record WorkerProgram(LaunchProgram Program)
{
    /// <summary>The environment variables that tell a process its role and the folder of its work.</summary>
    /// <param name="role">One of <see cref="WorkerRole"/>.</param>
    /// <param name="folder">The folder.</param>
    public static IReadOnlyDictionary<string, string> Environment(string role, string folder) => new Dictionary<string, string>
    {
        [WorkerRole.Variable] = role,
        [WorkerRole.FolderVariable] = folder,
    };
}

/// <summary>What a process of a program with a task is to do, as the environment says it. A person who starts the program sets nothing.</summary>
public static class WorkerRole
{
    /// <summary>The environment variable with the role.</summary>
    public const string Variable = "CONVOY_ROLE";

    /// <summary>The environment variable with the folder of the run, the trials or the measurement.</summary>
    public const string FolderVariable = "CONVOY_RUN_DIR";

    /// <summary>The environment variable with the folder where data that is made ready may go.</summary>
    public const string DataFolderVariable = "CONVOY_DATA_DIR";

    /// <summary>Describe the task on standard output.</summary>
    public const string Describe = "describe";

    /// <summary>Make the data ready in the folder, whose config.json has the settings.</summary>
    public const string Prepare = "prepare";

    /// <summary>Be one rank of the run in the folder.</summary>
    public const string Train = "train";

    /// <summary>Be one rank of the trials in the folder.</summary>
    public const string Trials = "trials";

    /// <summary>Be one rank of a measurement of steps.</summary>
    public const string Steps = "steps";

    /// <summary>Measure how fast matrices are multiplied.</summary>
    public const string Peaks = "peaks";

    /// <summary>The role that the environment names; null for a program that a person starts.</summary>
    public static string? Current => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } role ? role : null;
}
