using System.Globalization;
using System.Reflection;
using Convoy.Training.Runs;

namespace Convoy.Training.Programs;

/// <summary>Where a rank runs, as the ranks of a launched job tell each other.</summary>
/// <param name="Name">The host's name.</param>
/// <param name="Machine">The same text on all ranks of a machine, or a container, and on no others: they have one clock.</param>
/// <param name="Processors">The processors that the rank is kept to, in Linux's short form; empty where the system does not say.</param>
/// <param name="Cores">How many it may use.</param>
/// <param name="Version">Convoy's version.</param>
internal sealed record RankHost(string Name, string Machine, string Processors, int Cores, string Version)
{
    private const string BootFile = "/proc/sys/kernel/random/boot_id", StatusFile = "/proc/self/status", Allowed = "Cpus_allowed_list:";

    /// <summary>This process's.</summary>
    public static RankHost Read() => new(
        Environment.MachineName,
        $"{Environment.MachineName} {(File.Exists(BootFile) ? File.ReadAllText(BootFile).Trim() : string.Empty)}",
        File.Exists(StatusFile) ? File.ReadLines(StatusFile).FirstOrDefault(line => line.StartsWith(Allowed, StringComparison.Ordinal))?[Allowed.Length..].Trim() ?? string.Empty : string.Empty,
        Environment.ProcessorCount,
        typeof(RankHost).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? string.Empty);

    /// <summary>The cores for each rank, the same number for all: those of a machine are shared by its ranks, unless the launcher has bound each rank to its own.</summary>
    /// <param name="hosts">Those of all ranks.</param>
    /// <returns>At least 1.</returns>
    public static int CoresOfEach(IReadOnlyList<RankHost> hosts) =>
        hosts.Min(host => Math.Max(1, host.Cores / hosts.Count(other => (other.Machine, other.Processors) == (host.Machine, host.Processors))));

    /// <summary>Refuses ranks with different versions of Convoy, whose messages to each other may differ.</summary>
    /// <exception cref="BadInputException">A rank has another version than rank 0.</exception>
    public static void RequireSameVersion(IReadOnlyList<RankHost> hosts)
    {
        int other = hosts.ToList().FindIndex(host => host.Version != hosts[0].Version);
        if (other >= 0)
        {
            throw new BadInputException(
                "the ranks run different versions of Convoy",
                string.Create(CultureInfo.InvariantCulture, $"{hosts[0].Version} on {hosts[0].Name}, {hosts[other].Version} on {hosts[other].Name}, rank {other}"),
                "Put the same build on every host.");
        }
    }
}
