using System.Globalization;

namespace Convoy.Hosts;

/// <summary>The two MPI libraries that Convoy knows.</summary>
public enum MpiLibrary
{
    /// <summary>Open MPI, <c>mpirun.openmpi</c>.</summary>
    OpenMpi,

    /// <summary>MPICH, <c>mpirun.mpich</c>.</summary>
    Mpich,
}

/// <summary>The command that starts ranks on the hosts of a <see cref="Cluster"/>: on its front end, with its remote shell.</summary>
public static class MpiLauncher
{
    /// <summary>Why it cannot be used here; null when it can.</summary>
    public static string? WhyNot(MpiLibrary library)
    {
        string program = ProgramOf(library);
        return SearchPath.Has(program)
            ? null
            : $"{program} was not found on PATH: install {(library == MpiLibrary.OpenMpi ? "openmpi-bin" : "mpich")}.";
    }

    /// <summary>The command line. The ranks of a host are neighbours: host by host.</summary>
    /// <param name="library">Whose launcher.</param>
    /// <param name="hosts">Where.</param>
    /// <param name="ranksPerHost">How many on each; one number for all, or one for each host.</param>
    /// <param name="environment">Variables that all ranks get.</param>
    /// <param name="command">The program and its arguments.</param>
    public static IReadOnlyList<string> Command(MpiLibrary library, IReadOnlyList<Host> hosts, IReadOnlyList<int> ranksPerHost, IEnumerable<KeyValuePair<string, string>> environment, params IEnumerable<string> command)
    {
        int[] counts = [.. hosts.Select((_, i) => ranksPerHost[ranksPerHost.Count == 1 ? 0 : i])];
        string ranks = counts.Sum().ToString(CultureInfo.InvariantCulture);
        string places = string.Join(',', hosts.Zip(counts, (host, count) => string.Create(CultureInfo.InvariantCulture, $"{host.Name}:{count}")));
        // Open MPI's ranks get what -x names, with a value; MPICH's what -genv gives. Open MPI would bind the first rank of every host to the same core, as all are this machine.
        return library == MpiLibrary.OpenMpi
            ?
            [
                ProgramOf(library), "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-n", ranks, "--host", places,
                "--mca", "plm_rsh_agent", Cluster.RemoteShell, "--mca", "oob_tcp_if_include", Cluster.Network, "--mca", "btl_tcp_if_include", Cluster.Network,
                .. environment.SelectMany(variable => (string[])["-x", $"{variable.Key}={variable.Value}"]), .. command,
            ]
            :
            [
                ProgramOf(library), "-n", ranks, "-hosts", places, "-launcher", "ssh", "-launcher-exec", Cluster.RemoteShell, "-iface", "br0",
                .. environment.SelectMany(variable => (string[])["-genv", variable.Key, variable.Value]), .. command,
            ];
    }

    private static string ProgramOf(MpiLibrary library) => library == MpiLibrary.OpenMpi ? "mpirun.openmpi" : "mpirun.mpich";
}
