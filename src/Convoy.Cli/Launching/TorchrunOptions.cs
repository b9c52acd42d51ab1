using System.CommandLine;
using Convoy.Training;

namespace Convoy.Cli.Launching;

/// <summary>
/// torchrun's options that have nothing to set here, so that a command line written for torchrun works or learns what to write
/// instead. A value that asks for what happens anyway is passed over in silence, any other with a note.
/// </summary>
internal sealed class TorchrunOptions
{
    private readonly Option<string?> _backend = Hidden<string?>("--rdzv-backend");
    private readonly Option<bool> _module = Flag("--module", "-m");
    private readonly Option<bool> _runPath = Flag("--run-path");

    // What is the case anyway, with or without these.
    private readonly Option<bool>[] _satisfied = [Flag("--no-python"), Flag("--use-env")];

    private readonly (Option Option, string? Usual, string Why)[] _passedOver =
    [
        (Hidden<string?>("--rdzv-conf"), null, "--join-timeout says how long machines wait for each other"),
        (Hidden<string?>("--start-method"), "spawn", "every process is a program of its own"),
        (Hidden<string?>("--event-log-handler"), "null", "failures are told on standard error"),
        (Hidden<string?>("--local-addr"), null, "the other machines find this one by --master-addr"),
        (Hidden<string?>("--logs-specs"), null, "--log-dir, --redirects and --tee say what is logged"),
        (Hidden<string?>("--numa-binding"), null, "--pin keeps each process to cores of its own"),
        (Hidden<string?>("--signals-to-handle"), null, "SIGINT, SIGTERM and SIGHUP are passed on"),
        (Hidden<string?>("--shutdown-timeout"), null, "processes have 5 s after a failure and 30 s after Ctrl-C"),
        (Hidden<string?>("--duplicate-stdout-filters"), null, "--log-dir keeps all lines of each process"),
        (Hidden<string?>("--duplicate-stderr-filters"), null, "--log-dir keeps all lines of each process"),
        (Flag("--virtual-local-rank"), null, "there are no GPUs to number"),
    ];

    /// <summary>Gives an option the name with underscores that torchrun takes too.</summary>
    public static void AlsoWithUnderscores(Option option)
    {
        foreach (string name in option.Aliases.Prepend(option.Name).Where(n => n.StartsWith("--", StringComparison.Ordinal) && n.LastIndexOf('-') > 1).ToArray())
        {
            option.Aliases.Add("--" + name[2..].Replace('-', '_'));
        }
    }

    /// <summary>Adds the options to the verb; its help does not show them.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_backend, _module, _runPath, .. _satisfied, .. _passedOver.Select(p => p.Option)])
        {
            AlsoWithUnderscores(option);
            command.Options.Add(option);
        }
    }

    /// <summary>Refuses what would not do what was asked for.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="words">The program and its arguments, as far as they can be told.</param>
    /// <param name="nodes">How many machines there are.</param>
    /// <param name="nodeRankGiven">Whether it is said which one this is.</param>
    /// <exception cref="BadInputException">It cannot be passed over.</exception>
    public void Check(ParseResult parsed, IReadOnlyList<string> words, int nodes, bool nodeRankGiven)
    {
        string? backend = parsed.GetValue(_backend);
        if (backend is not (null or "c10d" or "static"))
        {
            throw new BadInputException("--rdzv-backend is not known here", backend, "Leave it out, or give c10d or static: the launchers meet at node 0, whose address is --master-addr or --rdzv-endpoint.");
        }

        if (backend == "c10d" && nodes > 1 && !nodeRankGiven)
        {
            throw new BadInputException("machines are not numbered by themselves", $"--nnodes {nodes} without --node-rank", "Give each machine its --node-rank, from 0; node 0 is the one at --master-addr or --rdzv-endpoint.");
        }

        if (parsed.GetValue(_module) || parsed.GetValue(_runPath))
        {
            string python = parsed.GetValue(_module) ? "python3 -m" : "python3";
            string rest = words.Count > 0 ? string.Join(' ', words) : parsed.GetValue(_module) ? "MODULE ARGS" : "SCRIPT ARGS";
            throw new BadInputException("Python is a program like any other here", parsed.GetValue(_module) ? "-m" : "--run-path", $"Name it after two dashes: convoy launch --nproc 2 -- {python} {rest}.");
        }
    }

    /// <summary>What to say of the options that are passed over.</summary>
    public IEnumerable<string> Notes(ParseResult parsed)
    {
        foreach ((Option option, string? usual, string why) in _passedOver)
        {
            if (parsed.GetResult(option) is { Implicit: false } given && (usual is null || given.Tokens[^1].Value != usual))
            {
                yield return $"{option.Name} is passed over: {why}.";
            }
        }
    }

    private static Option<T> Hidden<T>(string name) => new(name) { Description = "For torchrun's command lines. [default: none]", Hidden = true };

    private static Option<bool> Flag(string name, params string[] aliases) =>
        new(name, aliases) { Description = "For torchrun's command lines.", Hidden = true, Arity = ArgumentArity.Zero };
}
