using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Convoy.Distributed.Launch;
using Convoy.Distributed.Rendezvous;
using Convoy.Training;
using Convoy.Training.Options;
using Convoy.Training.Workers;

namespace Convoy.Cli.Launching;

/// <summary>The options of <c>launch</c>, by torchrun's names, and what they mean for a <see cref="Launcher"/>.</summary>
internal sealed class LaunchOptionSet
{
    private const int LeastSecretLength = 16;
    private const string Usage = "after two dashes: convoy launch --nproc 2 -- PROGRAM ARGS.";

    private readonly Option<string> _processes = new("--nproc", "--nproc-per-node") { Description = "Number of processes on this machine; auto, cpu: one for each core that this process may use.", DefaultValueFactory = _ => "auto" };
    private readonly Option<string> _nodes = new("--nnodes") { Description = "Number of machines, or MIN:MAX when machines may come and leave while the job runs. Each runs convoy launch, with the same CONVOY_JOB_SECRET in its environment.", DefaultValueFactory = _ => "1" };
    private readonly Option<int?> _nodeRank = new("--node-rank") { Description = "This machine's number, from 0. [default: JOB_COMPLETION_INDEX of a Kubernetes indexed Job or SLURM_NODEID; without them 0 where --master-addr is this machine's, else by arrival]" };
    private readonly Option<string> _address = new("--master-addr") { Description = "MASTER_ADDR: an address of node 0.", DefaultValueFactory = _ => "127.0.0.1" };
    private readonly Option<int> _port = new("--master-port") { Description = "One machine: MASTER_PORT, 0: any free port. Several: where the launchers meet, 0: 29500; MASTER_PORT is the port after it.", DefaultValueFactory = _ => 0 };
    private readonly Option<string?> _endpoint = new("--rdzv-endpoint") { Description = "HOST:PORT, instead of --master-addr and --master-port. [default: none]" };
    private readonly Option<string?> _runId = new("--rdzv-id", "--run-id") { Description = "TORCHELASTIC_RUN_ID, the job's name, the same on all machines. [default: a random one]" };
    private readonly Option<bool> _standalone = new("--standalone") { Description = "One machine, any free port." };
    private readonly Option<bool> _noStore = new("--no-store") { Description = "Leave MASTER_PORT to rank 0, for programs that host their own store there, as PyTorch does." };
    private readonly Option<int> _restarts = new("--max-restarts") { Description = "How often all processes are started again after a failure or a lost machine.", DefaultValueFactory = _ => 0 };
    private readonly Option<double> _interval = new("--monitor-interval") { Description = "Seconds between two looks at the other machines.", DefaultValueFactory = _ => 0.1 };
    private readonly Option<double> _joinTimeout = new("--join-timeout") { Description = "Seconds to wait for the other machines at each start.", DefaultValueFactory = _ => 300 };
    private readonly Option<double> _lastCall = new("--last-call") { Description = "With --nnodes MIN:MAX: seconds to wait for more machines than MIN, and of a machine that comes later, until all start again with it.", DefaultValueFactory = _ => 30 };
    private readonly Option<double> _nodeTimeout = new("--node-timeout") { Description = "Seconds without a sign of life after which a machine counts as lost.", DefaultValueFactory = _ => 30 };
    private readonly Option<int?> _threads = new("--threads") { Description = "OMP_NUM_THREADS of each process. [default: that of the environment, or cores / processes]" };
    private readonly Option<string?> _precision = new("--precision") { Description = "CONVOY_PRECISION, for a program that reads it: fp32, bf16 or fp16. [default: as it is in the environment]" };
    private readonly Option<bool> _pin = new("--pin") { Description = "Keep each process to cores of its own (Linux)." };
    private readonly Option<bool> _noKeepMemory = new("--no-keep-memory") { Description = "Leave the processes' memory allocator as it is. [default: on Linux it keeps what is freed, GLIBC_TUNABLES]" };
    private readonly Option<string> _role = new("--role") { Description = "ROLE_NAME.", DefaultValueFactory = _ => "default" };
    private readonly Option<string?> _logs = new("--log-dir") { Description = "Folder for each process's output, rank-{r}.log; what an earlier run left there is moved into earlier-{n}. [default: none]" };
    private readonly Option<string> _redirects = new("--redirects", "-r") { Description = "Streams that go to the log only and not to the terminal: 0 none, 1 output, 2 errors, 3 both, or by local rank, as 0:3,1:2.", DefaultValueFactory = _ => "0" };
    private readonly Option<string> _tee = new("--tee", "-t") { Description = "Streams that go to the terminal all the same, in the same form.", DefaultValueFactory = _ => "0" };
    private readonly Option<string?> _filter = new("--local-ranks-filter") { Description = "Local ranks whose output the terminal shows, as 0,2. [default: all]" };
    private readonly Option<bool> _noPrefix = new("--no-prefix") { Description = "Show lines without their [rank 1]." };
    private readonly TorchrunOptions _torchrun = new();
    private readonly Argument<string[]> _program = new("PROGRAM ARGS") { Description = "After --: the program and its arguments.", Arity = ArgumentArity.ZeroOrMore };

    /// <summary>Adds everything to the verb.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])
        [
            _processes, _nodes, _nodeRank, _address, _port, _endpoint, _runId, _standalone, _noStore, _restarts, _interval, _joinTimeout, _lastCall, _nodeTimeout, _threads, _precision, _pin, _noKeepMemory, _role,
            _logs, _redirects, _tee, _filter, _noPrefix,
        ])
        {
            TorchrunOptions.AlsoWithUnderscores(option);
            command.Options.Add(option);
        }

        _torchrun.AddTo(command);
        command.Arguments.Add(_program);
    }

    /// <summary>What to launch.</summary>
    /// <exception cref="BadInputException">Something given is wrong or does not go together.</exception>
    public LauncherOptions Read(ParseResult parsed)
    {
        (int least, int nodes) = Nodes(parsed);
        _torchrun.Check(parsed, parsed.GetValue(_program) ?? []);
        int? nodeRank = parsed.GetValue(_nodeRank) is { } rank ? Number(_nodeRank.Name, Text(rank), 0) : _torchrun.IsHost(parsed) ? 0 : NodeRankOfCluster(nodes, Environment.GetEnvironmentVariable);
        if (nodeRank >= nodes)
        {
            throw new BadInputException("--node-rank is too large", Text(nodeRank.Value), $"Give a number below --nnodes ({Text(nodes)}).");
        }

        bool standalone = parsed.GetValue(_standalone);
        if (standalone && nodes > 1)
        {
            throw new BadInputException("--standalone does not go with several machines", $"--nnodes {Text(nodes)}", "Leave one of them out.");
        }

        (string address, int port) = standalone ? ("127.0.0.1", 0) : Endpoint(parsed, nodes);
        return new LauncherOptions
        {
            Program = Program(parsed),
            ProcessCount = Processes(parsed),
            NodeCount = nodes,
            MinNodeCount = least == nodes ? null : least,
            NodeRank = nodeRank,
            JobSecret = Secret(nodes),
            RunId = parsed.GetValue(_runId),
            Role = parsed.GetValue(_role)!,
            MasterAddress = address,
            MasterPort = port,
            HostStore = !parsed.GetValue(_noStore),
            MaxRestarts = AtLeast(_restarts, parsed, 0),
            MonitorIntervalSeconds = Seconds(_interval, parsed),
            JoinTimeoutSeconds = Seconds(_joinTimeout, parsed, _torchrun.JoinTimeout(parsed)),
            LastCallSeconds = Seconds(_lastCall, parsed, _torchrun.LastCall(parsed), orZero: true),
            NodeTimeoutSeconds = Seconds(_nodeTimeout, parsed),
            ThreadsPerProcess = parsed.GetValue(_threads) is { } threads ? Number(_threads.Name, Text(threads), 1) : null,
            Environment = parsed.GetValue(_precision) is { } precision ? new Dictionary<string, string> { [ProgramVariables.Precision] = PrecisionNames.Parse(precision).Name() } : new Dictionary<string, string>(),
            PinCores = parsed.GetValue(_pin),
            KeepMemory = !parsed.GetValue(_noKeepMemory),
            LogDirectory = parsed.GetValue(_logs),
        };
    }

    /// <summary>What to say of options that are of no consequence.</summary>
    public IEnumerable<string> Notes(ParseResult parsed) => _torchrun.Notes(parsed);

    /// <summary>How to show it.</summary>
    /// <exception cref="BadInputException">Something given is wrong or does not go together.</exception>
    public LaunchDisplay Display(ParseResult parsed, LauncherOptions options)
    {
        var redirected = StreamSelection.Parse(_redirects.Name, parsed.GetValue(_redirects)!);
        var teed = StreamSelection.Parse(_tee.Name, parsed.GetValue(_tee)!);
        if (Given(_redirects, parsed) && parsed.GetValue(_redirects) != "0" && options.LogDirectory is null)
        {
            throw new BadInputException("--redirects needs a folder for the logs", "no --log-dir", "Give --log-dir DIR.");
        }

        HashSet<int>? ranks = Filter(parsed, options.ProcessCount);
        return new LaunchDisplay(
            line => (ranks is null || ranks.Contains(line.LocalRank)) && (!redirected.Has(line.LocalRank, line.Stream) || teed.Has(line.LocalRank, line.Stream)),
            !parsed.GetValue(_noPrefix),
            options.NodeCount > 1);
    }

    private int Processes(ParseResult parsed)
    {
        string text = parsed.GetValue(_processes)!;
        return text is "auto" or "cpu" ? Environment.ProcessorCount
            : text is "gpu" or "xpu" ? throw new BadInputException("--nproc cannot be counted from GPUs", text, "Give a number, auto or cpu.")
            : Number(_processes.Name, text, 1);
    }

    private (int Least, int Most) Nodes(ParseResult parsed)
    {
        string text = parsed.GetValue(_nodes)!;
        int colon = text.IndexOf(':');
        int least = Number(_nodes.Name, colon < 0 ? text : text[..colon], 1), most = colon < 0 ? least : Number(_nodes.Name, text[(colon + 1)..], 1);
        return least <= most ? (least, most) : throw new BadInputException("--nnodes is no range", text, "Give MIN:MAX, the smaller number first.");
    }

    private (string Address, int Port) Endpoint(ParseResult parsed, int nodes)
    {
        int most = nodes > 1 ? 65534 : 65535;
        if (parsed.GetValue(_endpoint) is not { } endpoint)
        {
            int port = AtLeast(_port, parsed, 0);
            return port <= most ? (parsed.GetValue(_address)!, port) : throw new BadInputException("--master-port is no port", Text(port), $"Give 0 to {Text(most)}.");
        }

        if (Given(_address, parsed) || Given(_port, parsed))
        {
            throw new BadInputException("--rdzv-endpoint does not go with --master-addr and --master-port", endpoint, "Give one or the other.");
        }

        int colon = endpoint.LastIndexOf(':');
        string host = (colon < 0 ? endpoint : endpoint[..colon]).Trim('[', ']');
        int given = 0;
        return host.Length > 0 && (colon < 0 || (int.TryParse(endpoint.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out given) && given <= most))
            ? (host, given)
            : throw new BadInputException("--rdzv-endpoint is no address", endpoint, $"Give HOST:PORT, with a port of 0 to {Text(most)}.");
    }

    private static string? Secret(int nodes)
    {
        string? secret = nodes == 1 ? null : Environment.GetEnvironmentVariable(RankEnvironment.JobSecretVariable);
        return nodes == 1 || secret?.Length >= LeastSecretLength
            ? secret
            : throw new BadInputException(
                "several machines need a secret that only their launchers know",
                $"{RankEnvironment.JobSecretVariable} {(string.IsNullOrEmpty(secret) ? "is not set" : $"has fewer than {Text(LeastSecretLength)} characters")}",
                "Set it to the same random text in the environment of convoy launch on every machine, for instance what openssl rand -hex 32 gives.");
    }

    /// <summary>A machine's number as the cluster's scheduler gives it, in a Job of Kubernetes whose pods or a job of SLURM whose nodes are the launch's machines.</summary>
    /// <param name="nodes">The machines of the launch, at most.</param>
    /// <param name="variable">Gives an environment variable's value or null.</param>
    /// <returns>The number; null where there is none, or one that no machine of the launch has.</returns>
    internal static int? NodeRankOfCluster(int nodes, Func<string, string?> variable)
    {
        foreach (string name in (string[])["JOB_COMPLETION_INDEX", "SLURM_NODEID"])
        {
            if (nodes > 1 && int.TryParse(variable(name), NumberStyles.None, CultureInfo.InvariantCulture, out int rank))
            {
                return rank < nodes ? rank : null;
            }
        }

        return null;
    }

    private HashSet<int>? Filter(ParseResult parsed, int processes)
    {
        if (parsed.GetValue(_filter) is not { } text)
        {
            return null;
        }

        var ranks = new HashSet<int>();
        foreach (string entry in text.Split(','))
        {
            if (!int.TryParse(entry, NumberStyles.None, CultureInfo.InvariantCulture, out int rank) || rank >= processes)
            {
                throw new BadInputException("--local-ranks-filter is no list of local ranks", text, $"Give numbers from 0 to {Text(processes - 1)}, with commas between them.");
            }

            ranks.Add(rank);
        }

        return ranks;
    }

    private LaunchProgram Program(ParseResult parsed)
    {
        string[] words = parsed.GetValue(_program) ?? [];
        int passedOn = parsed.Tokens.SkipWhile(t => t.Type != TokenType.DoubleDash).Skip(1).Count();
        return passedOn < words.Length
            ? throw new BadInputException("unknown option or argument of launch", words[0], NearestOption(parsed, words[0]) is { } near ? $"Did you mean {near}?" : $"Write the program {Usage}")
            : words.Length > 0
            ? new LaunchProgram(words[0], words[1..])
            : throw new BadInputException("no program to launch", "nothing after --", $"Write it {Usage}");
    }

    private static string? NearestOption(ParseResult parsed, string word) => !word.StartsWith('-') ? null
        : NearestName.Find(word.Split('=', 2)[0].Replace('_', '-'), parsed.CommandResult.Command.Options.Where(o => !o.Hidden).SelectMany(o => o.Aliases.Prepend(o.Name)).Where(name => !name.Contains('_')));

    private static bool Given(Option option, ParseResult parsed) => parsed.GetResult(option) is { Implicit: false };

    private static int AtLeast(Option<int> option, ParseResult parsed, int least)
    {
        int value = parsed.GetValue(option);
        return value >= least ? value : throw new BadInputException($"{option.Name} is too small", Text(value), $"Give at least {Text(least)}.");
    }

    // An option of its own goes before what --rdzv-conf says.
    private static double Seconds(Option<double> option, ParseResult parsed, double? otherwise = null, bool orZero = false)
    {
        double value = Given(option, parsed) || otherwise is null ? parsed.GetValue(option) : otherwise.Value;
        return (value > 0 || (orZero && value == 0)) && value <= 86400
            ? value
            : throw new BadInputException($"{option.Name} is no time", value.ToString(CultureInfo.InvariantCulture), $"Give seconds, {(orZero ? "at least 0" : "more than 0")} and at most 86400.");
    }

    private static int Number(string option, string text, int least) =>
        !int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) ? throw new BadInputException($"{option} is no number", text, $"Give a whole number, at least {Text(least)}.")
        : number < least ? throw new BadInputException($"{option} is too small", text, $"Give at least {Text(least)}.")
        : number;

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
