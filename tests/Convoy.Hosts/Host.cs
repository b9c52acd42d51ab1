using System.Diagnostics;
using System.Globalization;

namespace Convoy.Hosts;

/// <summary>How a command ended.</summary>
/// <param name="ExitCode">128 + N after signal N.</param>
/// <param name="Output">Its standard output.</param>
/// <param name="Errors">Its standard error.</param>
public sealed record CommandResult(int ExitCode, string Output, string Errors)
{
    /// <summary>Both streams and the exit code, for a message.</summary>
    public override string ToString() => $"exit code {ExitCode}\n{Output}\n{Errors}";
}

/// <summary>One host of a <see cref="Cluster"/>, or its front end.</summary>
public sealed class Host : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Process _keeper;
    private readonly Host? _frontEnd;
    private readonly int _pidOnFrontEnd;

    private Host(string name, string address, Process keeper, Host? frontEnd, int pidOnFrontEnd, int pid)
    {
        (Name, Address, _keeper, _frontEnd, _pidOnFrontEnd, Pid) = (name, address, keeper, frontEnd, pidOnFrontEnd, pid);
    }

    /// <summary>What hostname says there, and all hosts' /etc/hosts know.</summary>
    public string Name { get; }

    /// <summary>Its IPv4 address.</summary>
    public string Address { get; }

    /// <summary>Its first process, as seen from outside; /proc/PID/root has its files.</summary>
    public int Pid { get; }

    /// <summary>Bytes that the host has sent to the network, as the other end of its cable counts them.</summary>
    public long BytesSent => Counters().Received;

    /// <summary>Bytes that the host has received from the network.</summary>
    public long BytesReceived => Counters().Sent;

    /// <summary>Whether the host's processes are alive.</summary>
    public bool IsOn => !_keeper.HasExited;

    /// <summary>
    /// Starts a program there. Its environment has HOME, PATH, LANG and what is given, as one that ssh starts; its streams are redirected. The process that is handed back is
    /// nsenter's, which waits for the program: killing it with its tree kills the program.
    /// </summary>
    public Process Start(IEnumerable<KeyValuePair<string, string>> environment, params IEnumerable<string> command)
    {
        string path = Environment.GetEnvironmentVariable("PATH") ?? "/usr/local/bin:/usr/bin:/bin";
        return Launch(new ProcessStartInfo("nsenter",
        [
            .. Enter(Pid), "env", "-i", "HOME=/mnt/home", $"PATH={path}", "LANG=C.UTF-8", $"DOTNET_ROOT={DotnetRoot}",
            .. environment.Select(variable => $"{variable.Key}={variable.Value}"),
            "sh", "-c", "cd && exec \"$@\"", "sh", .. command,
        ]));
    }

    /// <summary>Runs a program there to its end.</summary>
    /// <exception cref="TimeoutException">It took longer than <paramref name="limit"/>; it was killed, and the message has what it wrote.</exception>
    public Task<CommandResult> RunAsync(TimeSpan limit, params IEnumerable<string> command) => RunAsync(limit, [], command);

    /// <inheritdoc cref="RunAsync(TimeSpan, IEnumerable{string})" />
    public async Task<CommandResult> RunAsync(TimeSpan limit, IEnumerable<KeyValuePair<string, string>> environment, params IEnumerable<string> command)
    {
        using Process process = Start(environment, command);
        process.StandardInput.Close();
        return await EndAsync(process, limit, string.Join(' ', command));
    }

    /// <summary>Waits for the end of a program that <see cref="Start"/> started and of which nothing has been read.</summary>
    /// <exception cref="TimeoutException">It took longer than <paramref name="limit"/>; it was killed, and the message has what it wrote.</exception>
    public static async Task<CommandResult> EndAsync(Process process, TimeSpan limit, string what)
    {
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        using var time = new CancellationTokenSource(limit);
        try
        {
            await process.WaitForExitAsync(time.Token);
            // Its streams stay open for as long as a process that it started has them.
            return new CommandResult(process.ExitCode, await output.WaitAsync(time.Token), await errors.WaitAsync(time.Token));
        }
        catch (OperationCanceledException)
        {
            bool ended = process.HasExited;
            process.Kill(entireProcessTree: true);
            string written = await Task.WhenAny(Task.WhenAll(output, errors), Task.Delay(TimeSpan.FromSeconds(2), CancellationToken.None)) is Task<string[]> { Result: var streams }
                ? string.Join('\n', streams)
                : "(nothing, as long as a process that it left behind has its streams)";
            throw new TimeoutException($"'{what}' did not end {(ended ? "its streams " : "")}within {limit.TotalSeconds:0} s. It wrote:\n{written}");
        }
    }

    /// <summary>Runs a short command there, which has to succeed, and gives its standard output.</summary>
    /// <exception cref="InvalidOperationException">It failed; the message is its own.</exception>
    public string Require(params IEnumerable<string> command)
    {
        CommandResult result = RunAsync(Patience, command).GetAwaiter().GetResult();
        return result.ExitCode == 0 ? result.Output : throw new InvalidOperationException($"'{string.Join(' ', command.Take(1))}' failed on {Name}: {result}");
    }

    /// <summary>Plugs the host's cable in or pulls it out, at the switch.</summary>
    public void Connect(bool connected) => FrontEnd.Require("ip", "link", "set", Name, connected ? "up" : "down");

    /// <summary>Limits the host's network in each direction.</summary>
    /// <param name="rate">As tc writes it: 1gbit, 100mbit.</param>
    public void LimitRate(string rate) => FrontEnd.Require("sh", "-c", ClusterScripts.Rate, "sh", Name, rate, Text(_pidOnFrontEnd));

    /// <summary>Loses a share of the packets that arrive at the host, chosen at random.</summary>
    /// <param name="percent">0 to 100.</param>
    public void LosePackets(int percent) => Require("sh", "-c", ClusterScripts.Loss, "sh", Text(percent));

    /// <summary>The host loses its power: nothing more leaves it, and all its processes end. It does not come back.</summary>
    public void PowerOff()
    {
        Connect(connected: false);
        FrontEnd.Require("rm", "-f", $"/mnt/.hosts/pid-{Name}");
        Dispose();
    }

    /// <summary>Ends all the host's processes.</summary>
    public void Dispose()
    {
        if (!_keeper.HasExited)
        {
            // The kernel ends all others with the first one.
            _keeper.Kill(entireProcessTree: true);
            _keeper.WaitForExit();
        }
    }

    internal static Host StartFrontEnd(string name, string address, IReadOnlyList<string> visible)
    {
        Process keeper = Launch(new ProcessStartInfo("unshare", [.. Unshare, "sh", "-c", ClusterScripts.FrontEnd, "sh", name, address, .. visible]));
        int pid = ReadPid(keeper, name);
        return new Host(name, address, keeper, null, 1, pid);
    }

    internal static Host Start(string name, string address, Host frontEnd, IReadOnlyList<string> visible)
    {
        Process keeper = Launch(new ProcessStartInfo("nsenter", [.. Enter(frontEnd.Pid), "unshare", .. Unshare, "sh", "-c", ClusterScripts.Host, "sh", name, address, .. visible]));
        try
        {
            int pidOnFrontEnd = ReadPid(keeper, name);
            // nsenter, unshare, first process: each the only child of the one before.
            int pid = OnlyChild(OnlyChild(keeper.Id));
            frontEnd.Require("sh", "-c", ClusterScripts.Connect, "sh", name, address, Text(pidOnFrontEnd));
            return new Host(name, address, keeper, frontEnd, pidOnFrontEnd, pid);
        }
        catch
        {
            keeper.Kill(entireProcessTree: true);
            throw;
        }
    }

    // Where this process's runtime lies, shared/Microsoft.NETCore.App/VERSION under it: programs find it by no other way when it is not installed in the usual place.
    private static readonly string DotnetRoot = Path.GetFullPath(Path.Combine(System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));

    private static readonly string[] Unshare = ["--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--kill-child", "--"];

    private Host FrontEnd => _frontEnd ?? throw new InvalidOperationException("the front end has no cable");

    private static string[] Enter(int pid) => ["--target", Text(pid), "--mount", "--uts", "--ipc", "--net", "--pid", "--"];

    private static Process Launch(ProcessStartInfo start)
    {
        (start.RedirectStandardInput, start.RedirectStandardOutput, start.RedirectStandardError) = (true, true, true);
        return Process.Start(start)!;
    }

    private static int ReadPid(Process keeper, string name)
    {
        string? line = keeper.StandardOutput.ReadLineAsync().WaitAsync(Patience).GetAwaiter().GetResult();
        return int.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out int pid)
            ? pid
            : throw new InvalidOperationException($"{name} could not be made: {line} {keeper.StandardError.ReadToEnd()}");
    }

    private static int OnlyChild(int pid) => int.Parse(File.ReadAllText($"/proc/{Text(pid)}/task/{Text(pid)}/children").Trim(), CultureInfo.InvariantCulture);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    // What the switch received, the host sent.
    private (long Received, long Sent) Counters()
    {
        foreach (string line in File.ReadLines($"/proc/{Text(FrontEnd.Pid)}/net/dev"))
        {
            if (line.Trim().Split([' ', ':'], StringSplitOptions.RemoveEmptyEntries) is [string name, string received, _, _, _, _, _, _, _, string sent, ..] && name == Name)
            {
                return (long.Parse(received, CultureInfo.InvariantCulture), long.Parse(sent, CultureInfo.InvariantCulture));
            }
        }

        throw new InvalidOperationException($"{Name} has no cable any more");
    }
}
