using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.Json.Nodes;
using Convoy.Lanes.Training;
using Convoy.Training.Options;

namespace Convoy.Cli.Training;

/// <summary>The options of a verb that are settings of its runs: made from the tables of settings, whose rows also read the values and write the defaults.</summary>
internal sealed class SettingOptions
{
    private readonly List<(OptionRow Row, Option Option, Option<bool>? Off)> _options = [];

    /// <summary>Makes the options.</summary>
    /// <param name="defaults">What holds where nothing is given.</param>
    /// <param name="except">Settings that the verb does not have, or has in a form of its own, by their names in <c>config.json</c>.</param>
    /// <param name="inWords">What help says of the defaults of these settings, where no value says it; null for none.</param>
    public SettingOptions(VerbDefaults defaults, IReadOnlyList<string> except, IReadOnlyDictionary<string, string>? inWords = null)
    {
        JsonObject given = defaults.Values(drawn: false), drawn = defaults.Values(drawn: true);
        foreach (OptionRow row in LaneOptions.Table.Rows.Concat(TrainingOptions.Table.Rows).Where(row => !except.Contains(row.Setting)))
        {
            string help = $"{row.Help} [default: {inWords?.GetValueOrDefault(row.Setting) ?? Default(row, given[row.Setting], drawn[row.Setting])}]";
            _options.Add(row.IsSwitch
                ? (row, new Option<bool>(row.Name) { Description = help }, new Option<bool>(row.OffName) { Description = $"The opposite of {row.Name}." })
                : (row, new SettingOption(row) { Description = help }, null));
        }
    }

    /// <summary>Adds the options to a verb.</summary>
    public void AddTo(Command verb)
    {
        foreach ((_, Option option, Option<bool>? off) in _options)
        {
            verb.Options.Add(option);
            if (off is not null)
            {
                verb.Options.Add(off);
            }
        }
    }

    /// <summary>The settings that the command line gives, by their names in <c>config.json</c>.</summary>
    /// <exception cref="BadInputException">Two of them contradict each other.</exception>
    public JsonObject Read(ParseResult parsed)
    {
        var given = new JsonObject();
        foreach ((OptionRow row, Option option, Option<bool>? off) in _options)
        {
            bool on = IsGiven(parsed, option), isOff = off is not null && IsGiven(parsed, off);
            if (on && isOff)
            {
                throw new BadInputException("two options contradict each other", $"{row.Name} {row.OffName}", "Give one of them.");
            }

            if (isOff)
            {
                given[row.Setting] = !parsed.GetValue(off!);
            }
            else if (on)
            {
                given[row.Setting] = option is not SettingOption value ? parsed.GetValue((Option<bool>)option)
                    : row.IsOptionalBoolean && parsed.GetResult(option)!.Tokens.Count == 0 ? JsonValue.Create(true)
                    : parsed.GetValue(value)?.DeepClone();
            }
        }

        return given;
    }

    /// <summary>Refuses options of the lane detector for a program with a task of its own.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="more">Options of the lane detector that the verb has in a form of its own.</param>
    /// <exception cref="BadInputException">One is given.</exception>
    public void RequireNoneOfLanes(ParseResult parsed, params IEnumerable<Option> more)
    {
        IEnumerable<(string Name, Option Option)> lanes = _options
            .Where(entry => LaneOptions.Table.Find(entry.Row.Setting) is not null)
            .SelectMany(entry => entry.Off is { } off ? ((string, Option)[])[(entry.Row.Name, entry.Option), (entry.Row.Name, off)] : [(entry.Row.Name, entry.Option)]);
        if (lanes.Concat(more.Select(option => (option.Name, Option: option))).FirstOrDefault(entry => IsGiven(parsed, entry.Option)) is { Option: not null } given)
        {
            throw new BadInputException("an option of the lane detector with a program of your own", given.Name, "Leave it out; options of your program stand behind it, after --.");
        }
    }

    /// <summary>Refuses all options that are settings of training for a program that is no task of Convoy.Training.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="more">Further options of the verb that only tasks have.</param>
    /// <exception cref="BadInputException">One is given.</exception>
    public void RequireNone(ParseResult parsed, params IEnumerable<Option> more)
    {
        IEnumerable<Option> own = _options.SelectMany(entry => entry.Off is { } off ? (Option[])[entry.Option, off] : [entry.Option]);
        if (own.Concat(more).FirstOrDefault(option => IsGiven(parsed, option)) is { } given)
        {
            throw new BadInputException("an option of Convoy.Training's tasks with a program that is none", given.Name, "Leave it out; options of your program stand behind it, after --.");
        }
    }

    private static bool IsGiven(ParseResult parsed, Option option) => parsed.GetResult(option) is { Implicit: false };

    private static string Default(OptionRow row, JsonNode? given, JsonNode? drawn) => (row.Default(given), row.Default(drawn)) switch
    {
        ("", "") => "none",
        var (one, _) when !Libtorch.IsPartOfProgram => one,
        var (one, other) when one == other => one,
        var (one, other) => $"{one}, with --data {DrawnData.Name} {other}",
    };
}
