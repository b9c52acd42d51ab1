using System.Diagnostics;
using System.Globalization;

namespace Convoy.Hosts;

/// <summary>Runs a command on the front end of several hosts that live as long as it does.</summary>
internal static class Program
{
    private const string Usage = """
        Usage: Convoy.Hosts [--hosts 2] [--rate 1gbit] [--loss PERCENT] -- COMMAND [ARGUMENT...]
          COMMAND is started on the front end, with CONVOY_HOSTS=hosta,hostb,... and in CONVOY_REMOTE_SHELL what takes the place of ssh:
          mpirun.openmpi --allow-run-as-root --bind-to none --mca plm_rsh_agent $CONVOY_REMOTE_SHELL --host $CONVOY_HOSTS ...
          mpirun.mpich -launcher ssh -launcher-exec $CONVOY_REMOTE_SHELL -iface br0 -hosts $CONVOY_HOSTS ...
          $CONVOY_REMOTE_SHELL hosta COMMAND
          /mnt is common to all hosts. What each has sent and received is written to standard error at the end.
        """;

    public static async Task<int> Main(string[] args)
    {
        int hosts = 2, loss = 0;
        string? rate = null;
        int at = 0;
        for (; at + 1 < args.Length && args[at] != "--"; at += 2)
        {
            switch (args[at])
            {
                case "--hosts" when int.TryParse(args[at + 1], NumberStyles.None, CultureInfo.InvariantCulture, out hosts):
                case "--loss" when int.TryParse(args[at + 1], NumberStyles.None, CultureInfo.InvariantCulture, out loss):
                    break;
                case "--rate":
                    rate = args[at + 1];
                    break;
                default:
                    Console.Error.WriteLine(Usage);
                    return 2;
            }
        }

        if (at + 1 >= args.Length || hosts is < 1 or > 26 || loss is < 0 or > 100)
        {
            Console.Error.WriteLine(Usage);
            return 2;
        }

        if (Cluster.WhyNot is { } obstacle)
        {
            Console.Error.WriteLine($"Convoy.Hosts: error: {obstacle}");
            return 2;
        }

        using Cluster cluster = Cluster.Start(hosts);
        foreach (Host host in cluster.Hosts)
        {
            if (rate is not null)
            {
                host.LimitRate(rate);
            }

            if (loss > 0)
            {
                host.LosePackets(loss);
            }
        }

        int code = await RunAsync(cluster, args[(at + 1)..]);
        foreach (Host host in cluster.Hosts.Where(host => host.IsOn))
        {
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{host.Name}: {host.BytesSent} bytes sent, {host.BytesReceived} received"));
        }

        return code;
    }

    private static async Task<int> RunAsync(Cluster cluster, string[] command)
    {
        using Process process = cluster.FrontEnd.Start(
            [new("CONVOY_HOSTS", string.Join(',', cluster.Hosts.Select(host => host.Name))), new("CONVOY_REMOTE_SHELL", Cluster.RemoteShell)], command);
        process.StandardInput.Close();
        Task output = process.StandardOutput.BaseStream.CopyToAsync(Console.OpenStandardOutput()), errors = process.StandardError.BaseStream.CopyToAsync(Console.OpenStandardError());
        await process.WaitForExitAsync();
        await Task.WhenAll(output, errors);
        return process.ExitCode;
    }
}
