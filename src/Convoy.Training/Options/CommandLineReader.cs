using System.Text.Json.Nodes;

namespace Convoy.Training.Options;

/// <summary>
/// Reads a command line against tables of settings, for programs that have no parser of their own. An option may be written with its value behind it or after <c>=</c>,
/// and with underscores for hyphens; of one that is given twice the last counts.
/// </summary>
/// <param name="tables">The tables.</param>
public sealed class CommandLineReader(params IReadOnlyList<OptionTable> tables)
{
    private readonly Dictionary<string, string?> _others = new(StringComparer.Ordinal);
    private readonly Dictionary<string, bool> _known = new(StringComparer.Ordinal);

    /// <summary>The settings that were given, by their names in <c>config.json</c>.</summary>
    public JsonObject Settings { get; } = [];

    /// <summary>Adds an option that is no setting.</summary>
    /// <param name="name">Its name, such as <c>--out</c>.</param>
    /// <param name="takesValue">Whether a value follows.</param>
    public CommandLineReader With(string name, bool takesValue = true)
    {
        _known[name] = takesValue;
        return this;
    }

    /// <summary>The value of an option of <see cref="With"/>; null when it was not given. A switch has an empty value.</summary>
    public string? Value(string name) => _others.GetValueOrDefault(name);

    /// <summary>Reads the words.</summary>
    /// <exception cref="BadInputException">A word is no option, a value is missing, or it is not of its setting's kind.</exception>
    public void Read(IReadOnlyList<string> words)
    {
        ArgumentNullException.ThrowIfNull(words);
        for (int i = 0; i < words.Count; i++)
        {
            string[] parts = words[i].Split('=', 2);
            string name = parts[0].Replace('_', '-');
            string TakeValue() => parts.Length == 2 ? parts[1]
                : ++i < words.Count ? words[i]
                : throw new BadInputException("an option has no value", name, $"Write one after {name}.");
            if (_known.TryGetValue(name, out bool takesValue))
            {
                _others[name] = takesValue ? TakeValue() : string.Empty;
            }
            else if (Rows().FirstOrDefault(row => row.Name == name) is { } row)
            {
                Settings[row.Setting] = parts.Length == 1 && (row.IsSwitch || (row.IsOptionalBoolean && words.ElementAtOrDefault(i + 1) is not ("true" or "false"))) ? JsonValue.Create(true) : row.Parse(TakeValue());
            }
            else if (Rows().FirstOrDefault(other => other.IsSwitch && other.OffName == name) is { } off)
            {
                Settings[off.Setting] = JsonValue.Create(false);
            }
            else
            {
                throw Unknown(parts[0]);
            }
        }
    }

    private IEnumerable<OptionRow> Rows() => tables.SelectMany(table => table.Rows);

    private BadInputException Unknown(string name)
    {
        string[] names = [.. Rows().SelectMany(row => row.IsSwitch ? (string[])[row.Name, row.OffName] : [row.Name]), .. _known.Keys];
        return name.StartsWith('-')
            ? new BadInputException("unknown option", name, NearestName.Find(name.Replace('_', '-'), names) is { } near ? $"Did you mean {near}? --help lists them all." : "--help lists them all.")
            : new BadInputException("one argument too many", name, "Put quotes around a value that holds spaces; --help shows what is taken.");
    }
}
