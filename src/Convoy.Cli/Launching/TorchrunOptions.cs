using System.CommandLine;
using System.Globalization;
using Convoy.Training;

namespace Convoy.Cli.Launching;

/// <summary>
/// torchrun's options that have nothing to set here, so that a command line written for torchrun works or learns what to write
/// instead. A value that asks for what happens anyway is passed over in silence, any other with a note.
/// </summary>
internal sealed class TorchrunOptions
{
    private readonly Option<string?> _backend = Hidden<string?>("--rdzv-backend");
    private readonly Option<string?> _conf = Hidden<string?>("--rdzv-conf");
    private readonly Option<bool> _module = Flag("--module", "-m");
    private readonly Option<bool> _runPath = Flag("--run-path");

    private static readonly string[] Known = ["join_timeout", "timeout", "last_call_timeout", "is_host"];

    // What is the case anyway, with or without these.
    private readonly Option<bool>[] _satisfied = [Flag("--no-python"), Flag("--use-env")];

    private readonly (Option Option, string? Usual, string Why)[] _passedOver =
    [
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
        foreach (Option option in (Option[])[_backend, _conf, _module, _runPath, .. _satisfied, .. _passedOver.Select(p => p.Option)])
        {
            AlsoWithUnderscores(option);
            command.Options.Add(option);
        }
    }

    /// <summary>Refuses what would not do what was asked for.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="words">The program and its arguments, as far as they can be told.</param>
    /// <exception cref="BadInputException">It cannot be passed over.</exception>
    public void Check(ParseResult parsed, IReadOnlyList<string> words)
    {
        string? backend = parsed.GetValue(_backend);
        if (backend is not (null or "c10d" or "static"))
        {
            throw new BadInputException("--rdzv-backend is not known here", backend, "Leave it out, or give c10d or static: the launchers meet at node 0, whose address is --master-addr or --rdzv-endpoint.");
        }

        if (parsed.GetValue(_module) || parsed.GetValue(_runPath))
        {
            string python = parsed.GetValue(_module) ? "python3 -m" : "python3";
            string rest = words.Count > 0 ? string.Join(' ', words) : parsed.GetValue(_module) ? "MODULE ARGS" : "SCRIPT ARGS";
            throw new BadInputException("Python is a program like any other here", parsed.GetValue(_module) ? "-m" : "--run-path", $"Name it after two dashes: convoy launch --nproc 2 -- {python} {rest}.");
        }
    }

    /// <summary>Seconds to wait for the other machines, as --rdzv-conf says; null: it does not.</summary>
    /// <exception cref="BadInputException">It is no number.</exception>
    public double? JoinTimeout(ParseResult parsed) => ConfiguredSeconds(parsed, "join_timeout") ?? ConfiguredSeconds(parsed, "timeout");

    /// <summary>Seconds to wait for more machines than the least, as --rdzv-conf says; null: it does not.</summary>
    /// <exception cref="BadInputException">It is no number.</exception>
    public double? LastCall(ParseResult parsed) => ConfiguredSeconds(parsed, "last_call_timeout");

    /// <summary>Whether --rdzv-conf says that this machine is the one at which all meet.</summary>
    public bool IsHost(ParseResult parsed) => Configured(parsed).GetValueOrDefault("is_host") is "1" or "true" or "True";

    /// <summary>What to say of the options that are passed over.</summary>
    public IEnumerable<string> Notes(ParseResult parsed)
    {
        foreach (string key in Configured(parsed).Keys.Except(Known))
        {
            yield return $"{key} in --rdzv-conf is passed over: --join-timeout, --last-call and --node-timeout say how long machines wait for each other.";
        }

        foreach ((Option option, string? usual, string why) in _passedOver)
        {
            if (parsed.GetResult(option) is { Implicit: false } given && (usual is null || given.Tokens[^1].Value != usual))
            {
                yield return $"{option.Name} is passed over: {why}.";
            }
        }
    }

    private Dictionary<string, string> Configured(ParseResult parsed)
    {
        var settings = new Dictionary<string, string>();
        foreach (string setting in (parsed.GetValue(_conf) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            string[] parts = setting.Split('=', 2);
            settings[parts[0]] = parts.Length == 2 ? parts[1] : throw new BadInputException("--rdzv-conf has a setting without a value", setting, "Give KEY=VALUE, with commas between several.");
        }

        return settings;
    }

    private double? ConfiguredSeconds(ParseResult parsed, string key) => !Configured(parsed).TryGetValue(key, out string? text) ? null
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds) ? seconds
        : throw new BadInputException($"{key} in --rdzv-conf is no time", text, "Give seconds.");

    private static Option<T> Hidden<T>(string name) => new(name) { Description = "For torchrun's command lines. [default: none]", Hidden = true };

    private static Option<bool> Flag(string name, params string[] aliases) =>
        new(name, aliases) { Description = "For torchrun's command lines.", Hidden = true, Arity = ArgumentArity.Zero };
}
