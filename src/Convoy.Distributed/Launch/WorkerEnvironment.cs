using System.Globalization;
using Convoy.Distributed.Diagnostics;
using Convoy.Distributed.Launch.Processes;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Launch;

/// <summary>The variables that tell a worker its place, by torchrun's names, and Convoy's own.</summary>
/// <param name="Options">The run's settings.</param>
/// <param name="Run">What stays the same over all restarts.</param>
/// <param name="Place">Which ranks this machine has.</param>
/// <param name="Restart">TORCHELASTIC_RESTART_COUNT: how many starts there were before.</param>
/// <param name="MasterPort">MASTER_PORT.</param>
/// <param name="Cores">The processors of each local rank, or null when none are pinned.</param>
internal sealed record WorkerEnvironment(LauncherOptions Options, LaunchIdentity Run, NodePlace Place, int Restart, int MasterPort, CoreShares? Cores)
{
    /// <summary>The variable with the launcher's process id, for <see cref="ParentWatch"/>.</summary>
    public const string ParentProcessIdName = "CONVOY_PARENT_PID";

    private const string ThreadsName = "OMP_NUM_THREADS";
    private const string WaitPolicyName = "OMP_WAIT_POLICY";

    /// <summary>The global rank of a local one.</summary>
    public int RankOf(int localRank) => Place.FirstRank + localRank;

    /// <summary>The file that TORCHELASTIC_ERROR_FILE names for <paramref name="localRank"/>.</summary>
    public string ErrorFile(int localRank) => Path.Combine(Run.ErrorDirectory, $"restart-{Text(Restart)}-rank-{Text(RankOf(localRank))}.json");

    /// <summary>What <paramref name="localRank"/> gets on top of this process's own environment; null removes a variable.</summary>
    public IReadOnlyDictionary<string, string?> Variables(int localRank)
    {
        var variables = new Dictionary<string, string?>();
        foreach ((string name, string value) in Options.Environment)
        {
            variables[name] = value;
        }

        // Beside the logs, unless the user wants the last operations of a failed run elsewhere.
        if (Options.LogDirectory is not null)
        {
            SetUnlessGiven(variables, DiagnosticSettings.FlightDirectoryVariable, Path.GetFullPath(Options.LogDirectory));
        }

        variables[RankEnvironment.RankVariable] = Text(RankOf(localRank));
        variables[RankEnvironment.LocalRankVariable] = Text(localRank);
        variables[RankEnvironment.WorldSizeVariable] = Text(Place.WorldSize);
        variables[RankEnvironment.LocalWorldSizeVariable] = Text(Options.ProcessCount);
        variables["GROUP_RANK"] = Text(Place.NodeRank);
        variables["GROUP_WORLD_SIZE"] = Text(Place.NodeCount);
        variables["ROLE_NAME"] = Options.Role;
        variables["ROLE_RANK"] = Text(RankOf(localRank));
        variables["ROLE_WORLD_SIZE"] = Text(Place.WorldSize);
        variables[RankEnvironment.MasterAddressVariable] = Options.MasterAddress;
        variables[RankEnvironment.MasterPortVariable] = Text(MasterPort);
        variables["TORCHELASTIC_RESTART_COUNT"] = Text(Restart);
        variables["TORCHELASTIC_MAX_RESTARTS"] = Text(Options.MaxRestarts);
        variables["TORCHELASTIC_RUN_ID"] = Run.RunId;

        // PyTorch would take the launcher's store for one of its own, were this inherited from a torchrun around this one.
        variables["TORCHELASTIC_USE_AGENT_STORE"] = null;
        variables[RankEnvironment.JobSecretVariable] = Run.Secret;
        variables[RankEnvironment.StoreHostedVariable] = Options.HostStore ? "1" : null;
        variables[WorkerErrorFile.Variable] = ErrorFile(localRank);
        variables[ParentProcessIdName] = Text(Environment.ProcessId);
        variables[JobProcesses.MarkVariable] = Run.LaunchId;
        if (Options.KeepMemory && OperatingSystem.IsLinux())
        {
            SetUnlessGiven(variables, KeptMemory.Variable, KeptMemory.Value);
        }

        if (!Options.KeepMemory)
        {
            variables[KeptMemory.SwitchVariable] = "0";
        }

        // By default OpenMP's threads go on spinning after each of libtorch's operations, on the cores on which the threads of Convoy's kernels
        // are to work.
        SetUnlessGiven(variables, WaitPolicyName, "passive");
        if (Options.ThreadsPerProcess is int threads)
        {
            variables[ThreadsName] = Text(threads);
        }
        else
        {
            int share = Math.Max(1, Environment.ProcessorCount / Options.ProcessCount);
            SetUnlessGiven(variables, ThreadsName, Text(Math.Min(share, Cores?[localRank].Count ?? share)));
        }

        return variables;
    }

    // What the options or this process's environment say stays.
    private static void SetUnlessGiven(Dictionary<string, string?> variables, string name, string value)
    {
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable(name)))
        {
            variables.TryAdd(name, value);
        }
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>What belongs to one call of a launcher and stays the same over its restarts.</summary>
/// <param name="LaunchId">An unguessable mark in the environment of every process that this launcher starts.</param>
/// <param name="RunId">TORCHELASTIC_RUN_ID: the job's name, which launchers on other machines share.</param>
/// <param name="Secret">CONVOY_JOB_SECRET: what a worker shows to the store.</param>
/// <param name="ErrorDirectory">Where the workers record their errors, see <see cref="WorkerErrorFile"/>.</param>
internal sealed record LaunchIdentity(string LaunchId, string RunId, string Secret, string ErrorDirectory);

/// <summary>One machine's part of a job.</summary>
/// <param name="NodeRank">GROUP_RANK: the machine's number.</param>
/// <param name="NodeCount">GROUP_WORLD_SIZE: how many machines there are.</param>
/// <param name="FirstRank">The rank of its first worker: the others follow in the order of LOCAL_RANK.</param>
/// <param name="WorldSize">WORLD_SIZE: the workers of all machines.</param>
internal sealed record NodePlace(int NodeRank, int NodeCount, int FirstRank, int WorldSize);
