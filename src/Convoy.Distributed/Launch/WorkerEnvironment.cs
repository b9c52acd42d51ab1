using System.Globalization;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Launch;

/// <summary>The variables that tell a worker its place, by torchrun's names, and Convoy's own.</summary>
/// <param name="Options">The run's settings.</param>
/// <param name="RunId">TORCHELASTIC_RUN_ID: one run, all its restarts.</param>
/// <param name="Secret">CONVOY_JOB_SECRET: what a worker shows to the store.</param>
/// <param name="Restart">TORCHELASTIC_RESTART_COUNT.</param>
/// <param name="MasterPort">MASTER_PORT.</param>
/// <param name="ErrorDirectory">Where the workers record their errors, see <see cref="WorkerErrorFile"/>.</param>
internal sealed record WorkerEnvironment(LauncherOptions Options, string RunId, string Secret, int Restart, int MasterPort, string ErrorDirectory)
{
    /// <summary>The variable that names the run in every process of it.</summary>
    public const string RunIdName = "TORCHELASTIC_RUN_ID";

    /// <summary>The variable with the launcher's process id, for <see cref="ParentWatch"/>.</summary>
    public const string ParentProcessIdName = "CONVOY_PARENT_PID";

    private const string ThreadsName = "OMP_NUM_THREADS";

    /// <summary>The file that TORCHELASTIC_ERROR_FILE names for <paramref name="rank"/>.</summary>
    public string ErrorFile(int rank) => Path.Combine(ErrorDirectory, $"rank-{Text(rank)}.json");

    /// <summary>What <paramref name="rank"/> gets on top of this process's own environment; null removes a variable.</summary>
    public IReadOnlyDictionary<string, string?> Of(int rank)
    {
        var variables = new Dictionary<string, string?>();
        foreach ((string name, string value) in Options.Environment)
        {
            variables[name] = value;
        }

        variables[RankEnvironment.RankVariable] = Text(rank);
        variables[RankEnvironment.LocalRankVariable] = Text(rank);
        variables[RankEnvironment.WorldSizeVariable] = Text(Options.ProcessCount);
        variables[RankEnvironment.LocalWorldSizeVariable] = Text(Options.ProcessCount);
        variables["GROUP_RANK"] = "0";
        variables[RankEnvironment.MasterAddressVariable] = Options.MasterAddress;
        variables[RankEnvironment.MasterPortVariable] = Text(MasterPort);
        variables["TORCHELASTIC_RESTART_COUNT"] = Text(Restart);
        variables["TORCHELASTIC_MAX_RESTARTS"] = Text(Options.MaxRestarts);
        variables[RunIdName] = RunId;
        variables[RankEnvironment.JobSecretVariable] = Secret;
        variables[RankEnvironment.StoreHostedVariable] = Options.HostStore ? "1" : null;
        variables[WorkerErrorFile.Variable] = ErrorFile(rank);
        variables[ParentProcessIdName] = Text(Environment.ProcessId);
        if (Options.ThreadsPerProcess is int threads)
        {
            variables[ThreadsName] = Text(threads);
        }
        else if (!variables.ContainsKey(ThreadsName) && string.IsNullOrEmpty(Environment.GetEnvironmentVariable(ThreadsName)))
        {
            variables[ThreadsName] = Text(Math.Max(1, Environment.ProcessorCount / Options.ProcessCount));
        }

        return variables;
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
