using System.Diagnostics;

namespace Convoy.Hosts.Tests;

/// <summary>The hosts are what tests over them take them for.</summary>
public sealed class ClusterTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Fact]
    public void Hosts_OfACluster_HaveNothingInCommonButTheirFiles()
    {
        RequiredParts.Hosts();
        using Cluster cluster = Cluster.Start(2);
        Host a = cluster.Hosts[0], b = cluster.Hosts[1];

        foreach (Host host in cluster.Hosts)
        {
            Assert.Equal(host.Name, host.Require("hostname").Trim());
            host.Require("sh", "-c", "echo $0 >/dev/shm/x; echo $0 >/tmp/x; echo common >/mnt/x; sleep 60 >/dev/null 2>&1 &", host.Name);
        }

        foreach (Host host in cluster.Hosts)
        {
            Assert.Equal($"{host.Name}\n{host.Name}\ncommon\n", host.Require("cat", "/dev/shm/x", "/tmp/x", "/mnt/x"));
            Assert.Single(host.Require("ps", "-e", "-o", "comm=").Split('\n'), command => command == "sleep");
        }

        foreach (string file in (string[])["/proc/sys/kernel/random/boot_id", "/etc/hostname"])
        {
            Assert.Equal(file == "/etc/hostname", a.Require("cat", file) == b.Require("cat", file));
        }

        foreach (string kind in (string[])["mnt", "uts", "ipc", "net", "pid"])
        {
            Assert.NotEqual(a.Require("readlink", $"/proc/self/ns/{kind}"), b.Require("readlink", $"/proc/self/ns/{kind}"));
        }
    }

    [Fact]
    public async Task RemoteShell_ACommandForAHost_RunsThereWithAnEnvironmentOfItsOwn()
    {
        RequiredParts.Hosts();
        using Cluster cluster = Cluster.Start(2);

        CommandResult result = await cluster.FrontEnd.RunAsync(Limit, [new("SECRET", "x")], Cluster.RemoteShell, "-x", "hostb", "echo $(hostname)", "${SECRET-unset};", "exit", "7");
        CommandResult unknown = await cluster.FrontEnd.RunAsync(Limit, Cluster.RemoteShell, "hostc", "true");

        Assert.Equal(new CommandResult(7, "hostb unset\n", ""), result);
        Assert.Equal(new CommandResult(255, "", "ssh: connect to host hostc: No route to host\n"), unknown);
    }

    [Fact]
    public async Task Cables_CutLimitedAndLossy_ChangeWhatArrives()
    {
        RequiredParts.Hosts();
        using Cluster cluster = Cluster.Start(2);
        Host a = cluster.Hosts[0], b = cluster.Hosts[1];
        const int Bytes = 1_000_000;

        long sent = a.BytesSent, received = b.BytesReceived;
        Assert.Equal(Bytes, await SendAsync(a, b, Bytes, TimeSpan.FromSeconds(10)));
        Assert.InRange(a.BytesSent - sent, Bytes, Bytes * 1.2);
        Assert.InRange(b.BytesReceived - received, Bytes, Bytes * 1.2);

        b.LosePackets(5);
        Assert.Equal(Bytes, await SendAsync(a, b, Bytes, TimeSpan.FromSeconds(20)));
        b.LosePackets(100);
        Assert.Equal(0, await SendAsync(a, b, Bytes, TimeSpan.FromSeconds(1)));
        b.LosePackets(0);
        Assert.Equal(Bytes, await SendAsync(a, b, Bytes, TimeSpan.FromSeconds(10)));

        a.LimitRate("10kbit");
        Assert.InRange(await SendAsync(a, b, Bytes, TimeSpan.FromSeconds(1)), 0, 200_000); // a burst of 128 KB goes at once
        a.LimitRate("1gbit");
        Assert.Equal(Bytes, await SendAsync(a, b, Bytes, TimeSpan.FromSeconds(10)));

        a.Connect(connected: false);
        Assert.Equal(0, await SendAsync(a, b, Bytes, TimeSpan.FromSeconds(1)));
        a.Connect(connected: true);
        Assert.Equal(Bytes, await SendAsync(a, b, Bytes, TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public async Task PowerOff_OfAHost_EndsItsProcessesAndNoOthers()
    {
        RequiredParts.Hosts();
        using Cluster cluster = Cluster.Start(2);
        using Process onA = cluster.Hosts[0].Start([], "sleep", "1000"), onB = cluster.Hosts[1].Start([], "sleep", "1000");

        cluster.Hosts[0].PowerOff();

        await onA.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Limit, TestContext.Current.CancellationToken);
        Assert.False(onB.HasExited);
        CommandResult reached = await cluster.FrontEnd.RunAsync(Limit, Cluster.RemoteShell, "hosta", "true");
        Assert.Equal(255, reached.ExitCode);
    }

    [Fact]
    public async Task Everything_WhenItsProcessIsKilled_IsGone()
    {
        RequiredParts.Hosts();
        string mark = $"{Random(1_000_000_000)}.{Environment.ProcessId}"; // an argument of sleep that no other process has
        using Process program = Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Convoy.Hosts.dll"), "--hosts", "2", "--", "sh", "-c", $"{Cluster.RemoteShell} hosta sleep {mark} & {Cluster.RemoteShell} hostb setsid sleep {mark} & wait"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        try
        {
            await WaitUntilAsync(() => Processes($"sleep\0{mark}\0").Count() == 2);
        }
        finally
        {
            program.Kill(); // not its tree
        }

        await WaitUntilAsync(() => !Processes(mark).Any());
        Assert.DoesNotContain("hosta", await File.ReadAllTextAsync("/proc/self/net/dev", TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    // How many bytes of a file arrive over TCP.
    private static async Task<long> SendAsync(Host from, Host to, int bytes, TimeSpan limit)
    {
        const string Receive = """
            import socket, sys
            server = socket.create_server(("", 4000))
            server.settimeout(float(sys.argv[1]))
            print("listening", flush=True)
            received = 0
            try:
                connection, _ = server.accept()
                connection.settimeout(float(sys.argv[1]))
                while data := connection.recv(65536):
                    received += len(data)
            except TimeoutError:
                pass
            print(received)
            """;
        const string Send = """
            import socket, sys
            connection = socket.create_connection((sys.argv[1], 4000), timeout=float(sys.argv[3]))
            connection.sendall(bytes(int(sys.argv[2])))
            """;
        string seconds = limit.TotalSeconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        using Process receiver = to.Start([], "python3", "-c", Receive, seconds);
        Assert.Equal("listening", await receiver.StandardOutput.ReadLineAsync().WaitAsync(Limit));
        using Process sender = from.Start([], "python3", "-c", Send, to.Address, $"{bytes}", seconds);
        CommandResult received = await Host.EndAsync(receiver, Limit, "receive");
        sender.Kill(entireProcessTree: true);
        await sender.WaitForExitAsync();
        return long.Parse(received.Output, System.Globalization.CultureInfo.InvariantCulture);
    }

    private static int Random(int below) => System.Security.Cryptography.RandomNumberGenerator.GetInt32(below);

    private static IEnumerable<string> Processes(string commandPart)
    {
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            string command = "";
            try
            {
                command = File.ReadAllText(Path.Combine(folder, "cmdline"));
            }
            catch (IOException)
            {
                // No process, or it has ended meanwhile.
            }

            if (command.Contains(commandPart, StringComparison.Ordinal))
            {
                yield return command;
            }
        }
    }

    private static async Task WaitUntilAsync(Func<bool> condition)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < Limit, "it took too long");
            await Task.Delay(20);
        }
    }
}
