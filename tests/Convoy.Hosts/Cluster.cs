using System.Diagnostics;
using System.Globalization;

namespace Convoy.Hosts;

/// <summary>
/// Several hosts on this machine: Linux namespaces joined by a bridge. Each host has its own name, network, processes, /dev/shm, /tmp and boot identity, so that no
/// library takes two of them for one machine. All see this machine's files, and have /mnt, a file system in memory, in common.
/// <para>
/// No namespace, interface or file bears a name that the rest of the machine could see: all hang on a process that waits on a pipe to this one, and the kernel removes
/// everything when that process ends, also when this process is killed.
/// </para>
/// </summary>
public sealed class Cluster : IDisposable
{
    /// <summary>What a launcher calls in place of ssh, <c>AGENT [OPTIONS] HOST COMMAND...</c>: a program's path on every host.</summary>
    public const string RemoteShell = CommonFolder + "/.hosts/on-host";

    /// <summary>The folder that all hosts have in common; empty at the start.</summary>
    public const string CommonFolder = "/mnt";

    /// <summary>The network of the hosts.</summary>
    public const string Network = "10.77.0.0/24";

    private static readonly Lazy<string?> Obstacle = new(FindObstacle);

    private Cluster(Host frontEnd, IReadOnlyList<Host> hosts)
    {
        FrontEnd = frontEnd;
        Hosts = hosts;
    }

    /// <summary>Why hosts cannot be made here; null when they can.</summary>
    public static string? WhyNot => Obstacle.Value;

    /// <summary>The hosts: hosta, hostb, ...</summary>
    public IReadOnlyList<Host> Hosts { get; }

    /// <summary>Where launchers such as mpirun are started, as on a cluster's login node: connected to all hosts, and none of them.</summary>
    public Host FrontEnd { get; }

    /// <summary>Makes hosts, with the front end's network at full speed.</summary>
    /// <param name="count">1 to 26.</param>
    /// <param name="visible">Folders under /tmp, which is private to each host, that all see all the same.</param>
    /// <exception cref="InvalidOperationException">They cannot be made; see <see cref="WhyNot"/>.</exception>
    public static Cluster Start(int count, params IEnumerable<string> visible)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, 26);
        string[] kept = [.. visible.Append(AppContext.BaseDirectory).Select(Path.TrimEndingDirectorySeparator).Where(folder => folder.StartsWith("/tmp/", StringComparison.Ordinal))];
        var hosts = new List<Host>();
        Host frontEnd = Host.StartFrontEnd("front", AddressOf(0), kept);
        try
        {
            frontEnd.Require(["sh", "-c", ClusterScripts.Names, "sh", .. Enumerable.Range(0, count).Select(i => $"{AddressOf(i + 1)} {NameOf(i)}")]);
            for (int i = 0; i < count; i++)
            {
                hosts.Add(Host.Start(NameOf(i), AddressOf(i + 1), frontEnd, kept));
            }

            return new Cluster(frontEnd, hosts);
        }
        catch
        {
            End(frontEnd, hosts);
            throw;
        }
    }

    /// <summary>Ends all processes of all hosts and removes everything.</summary>
    public void Dispose() => End(FrontEnd, Hosts);

    private static void End(Host frontEnd, IEnumerable<Host> hosts)
    {
        foreach (Host host in hosts)
        {
            host.Dispose();
        }

        frontEnd.Dispose();
    }

    private static string NameOf(int index) => $"host{(char)('a' + index)}";

    private static string AddressOf(int index) => string.Create(CultureInfo.InvariantCulture, $"10.77.0.{(index == 0 ? 1 : 10 + index)}");

    private static string? FindObstacle()
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
        {
            return "several hosts on one machine need Linux and root.";
        }

        try
        {
            var start = new ProcessStartInfo("unshare", ["--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--kill-child", "--", "sh", "-c", ClusterScripts.Trial])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            using Process process = Process.Start(start)!;
            Task<string> errors = process.StandardError.ReadToEndAsync();
            process.WaitForExit();
            return process.ExitCode == 0 ? null : $"this system does not allow network namespaces with a bridge, tc and nft: {errors.GetAwaiter().GetResult().Trim().ReplaceLineEndings(" ")}";
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            return $"unshare (util-linux) cannot be started: {error.Message}.";
        }
    }
}
