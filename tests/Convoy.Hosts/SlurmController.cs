using System.Diagnostics;
using System.Globalization;

namespace Convoy.Hosts;

/// <summary>
/// SLURM on the hosts of a <see cref="Cluster"/>: slurmctld on the front end, slurmd on every host, munge between them. Its files lie on the hosts' own file systems, and its
/// processes end with the hosts. Commands such as srun find it by <see cref="Variables"/>.
/// </summary>
public sealed class SlurmController
{
    private const string Folder = Cluster.CommonFolder + "/slurm";
    private const string Configuration = Folder + "/slurm.conf";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly string[] Programs = ["slurmctld", "slurmd", "srun", "sbatch", "munged"];

    private readonly Cluster _cluster;

    private SlurmController(Cluster cluster) => _cluster = cluster;

    /// <summary>Why it cannot be started here; null when it can.</summary>
    public static string? WhyNot => Programs.FirstOrDefault(program => !SearchPath.Has(program)) is { } missing
        ? $"{missing} was not found on PATH: install slurm-wlm and munge."
        : null;

    /// <summary>What commands of SLURM need in their environment.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> Variables { get; } = [new("SLURM_CONF", Configuration)];

    /// <summary>Starts it; returns when it would start jobs on all hosts.</summary>
    /// <param name="cluster">Where.</param>
    /// <param name="processorsPerHost">How many processors SLURM takes each host to have, whatever the machine has.</param>
    /// <exception cref="TimeoutException">Its hosts did not come; the message has its logs.</exception>
    public static async Task<SlurmController> StartAsync(Cluster cluster, int processorsPerHost = 2)
    {
        string names = string.Join(',', cluster.Hosts.Select(host => host.Name));
        cluster.FrontEnd.Require("sh", "-c", Prepare, "sh", Folder, string.Create(CultureInfo.InvariantCulture, $"""
            ClusterName=convoy
            SlurmctldHost={cluster.FrontEnd.Name}({cluster.FrontEnd.Address})
            SlurmUser=root
            SlurmdUser=root
            AuthType=auth/munge
            AuthInfo=socket=/tmp/munge/socket
            CredType=cred/munge
            ProctrackType=proctrack/linuxproc
            TaskPlugin=task/none
            JobAcctGatherType=jobacct_gather/none
            SelectType=select/cons_tres
            SelectTypeParameters=CR_Core
            StateSaveLocation=/tmp/slurmctld
            SlurmdSpoolDir=/tmp/slurmd
            SlurmctldPidFile=/tmp/slurmctld.pid
            SlurmdPidFile=/tmp/slurmd.pid
            SlurmctldLogFile={Folder}/slurmctld.log
            SlurmdLogFile={Folder}/slurmd-%n.log
            SlurmdParameters=config_overrides
            MpiDefault=none
            ReturnToService=2
            KillWait=2
            NodeName={names} CPUs={processorsPerHost} State=UNKNOWN
            PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP

            """));
        cluster.FrontEnd.Require("sh", "-c", StartDaemon, "sh", Folder, "slurmctld");
        foreach (Host host in cluster.Hosts)
        {
            host.Require("sh", "-c", StartDaemon, "sh", Folder, "slurmd");
        }

        var controller = new SlurmController(cluster);
        await controller.WaitForHostsAsync();
        return controller;
    }

    /// <summary>Runs one of SLURM's commands on the front end to its end.</summary>
    /// <inheritdoc cref="Host.RunAsync(TimeSpan, IEnumerable{string})" />
    public Task<CommandResult> RunAsync(TimeSpan limit, params IEnumerable<string> command) => _cluster.FrontEnd.RunAsync(limit, Variables, command);

    /// <summary>Runs a batch script to its end.</summary>
    /// <param name="limit">How long it may take.</param>
    /// <param name="script">The script's text, with its #SBATCH lines.</param>
    /// <param name="arguments">The script's arguments.</param>
    /// <param name="variables">What is in the environment when it is submitted.</param>
    /// <returns>The script's exit code and what it wrote, both streams, as its output.</returns>
    /// <exception cref="TimeoutException">It took longer than <paramref name="limit"/>; the message has its output.</exception>
    public async Task<CommandResult> RunBatchAsync(TimeSpan limit, string script, IEnumerable<string> arguments, params IEnumerable<KeyValuePair<string, string>> variables)
    {
        const string Submit = """
            cd "$1"
            rm -f job.out
            printf '%s' "$2" >job.sh
            limit=$3
            shift 3
            timeout "$limit" sbatch --wait --output=job.out job.sh "$@" >submitted 2>&1
            code=$?
            cat job.out
            [ $code -eq 0 ] || cat submitted >&2
            exit $code
            """;
        string seconds = limit.TotalSeconds.ToString("0", CultureInfo.InvariantCulture);
        CommandResult result = await _cluster.FrontEnd.RunAsync(limit + TimeSpan.FromSeconds(10), [.. Variables, .. variables], ["sh", "-c", Submit, "sh", Folder, script, seconds, .. arguments]);
        return result.ExitCode == 124 ? throw new TimeoutException($"the job did not end within {seconds} s. {result}") : result;
    }

    private const string Prepare = """
        set -e
        mkdir "$1"
        printf '%s' "$2" >"$1/slurm.conf"
        (umask 077 && head -c 1024 /dev/urandom >"$1/munge.key")
        """;

    // munged takes a key that root alone can read, in folders that nobody else can write to; --force lets it run in /tmp.
    private const string StartDaemon = """
        set -e
        mkdir -p /tmp/munge /tmp/slurmctld
        munged --force --key-file="$1/munge.key" --socket=/tmp/munge/socket --pid-file=/tmp/munge/pid --log-file=/tmp/munge/log --seed-file=/tmp/munge/seed >/dev/null 2>&1
        "$2" -f "$1/slurm.conf" >/dev/null 2>"$1/started" || { cat "$1/started" >&2; exit 1; }
        """;

    private async Task WaitForHostsAsync()
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            CommandResult states = await RunAsync(Patience, "sinfo", "--noheader", "--Node", "--format=%t");
            string[] found = states.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (found.Length == _cluster.Hosts.Count && found.All(state => state == "idle"))
            {
                return;
            }

            if (Stopwatch.GetElapsedTime(start) > Patience)
            {
                throw new TimeoutException($"SLURM's hosts did not come: {states}\n{_cluster.FrontEnd.Require("sh", "-c", "tail -n 20 \"$1\"/*.log", "sh", Folder)}");
            }

            await Task.Delay(100);
        }
    }
}
