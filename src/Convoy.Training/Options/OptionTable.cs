using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Convoy.Training.Options;

/// <summary>
/// The settings of a run or of a task, a row each: from this one table come the options of the command line, the names in <c>--config</c> and <c>config.json</c>,
/// <c>--help</c>, the checks of ranges, and the command that a report recommends.
/// </summary>
public sealed class OptionTable
{
    private static readonly JsonSerializerOptions Json = new()
    {
        Converters = { new EnumNameConverterFactory() },
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    private OptionTable(IReadOnlyList<OptionRow> rows) => Rows = rows;

    /// <summary>The rows, in the order of the properties.</summary>
    public IReadOnlyList<OptionRow> Rows { get; }

    /// <summary>Makes the table of a type: a row for each public property with an <see cref="OptionAttribute"/>.</summary>
    public static OptionTable For(Type type)
    {
        ArgumentNullException.ThrowIfNull(type);
        return new OptionTable(
        [
            .. from property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
               let attribute = property.GetCustomAttribute<OptionAttribute>()
               where attribute is not null
               select new OptionRow(property, attribute, Json),
        ]);
    }

    /// <summary>The row of a setting by its name in <c>config.json</c>; null when there is none.</summary>
    public OptionRow? Find(string setting) => Rows.FirstOrDefault(row => row.Setting == setting);

    /// <summary>An object's settings as <c>config.json</c> has them.</summary>
    public JsonObject ToJson(object settings) => new(Rows.Select(row => KeyValuePair.Create(row.Setting, row.Get(settings))));

    /// <summary>Sets the settings of an object that <paramref name="values"/> has; names of other tables are passed over.</summary>
    /// <param name="settings">The object, whose type made this table.</param>
    /// <param name="values">Values by their names in <c>config.json</c>.</param>
    /// <param name="source">What to say after a setting's name in errors, such as <c> in FILE</c>; empty for nothing.</param>
    /// <exception cref="BadInputException">A value is not of its setting's kind.</exception>
    public void Apply(object settings, JsonObject values, string source = "")
    {
        ArgumentNullException.ThrowIfNull(values);
        foreach (OptionRow row in Rows)
        {
            if (values.TryGetPropertyValue(row.Setting, out JsonNode? value))
            {
                row.Set(settings, value, row.Setting + source);
            }
        }
    }

    /// <summary>Refuses the first name that no setting has.</summary>
    /// <param name="values">Values by their names in <c>config.json</c>.</param>
    /// <exception cref="BadInputException">A name is unknown.</exception>
    internal void RequireKnown(JsonObject values)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (values.Select(entry => entry.Key).FirstOrDefault(name => Find(name) is null) is { } unknown)
        {
            string[] names = [.. Rows.Select(row => row.Setting)];
            string remedy = NearestName.Find(unknown, names) is { } near ? $"Did you mean {near}?" : names.Length > 0 ? $"The task has {string.Join(", ", names)}." : "The task has none.";
            throw new BadInputException("unknown setting", unknown, remedy);
        }
    }

    /// <summary>Refuses the first value outside its range.</summary>
    /// <param name="settings">The object.</param>
    /// <param name="asOptions">Whether errors call settings as the command line does (<c>--batch-size</c>), not as code does (<c>BatchSize</c>).</param>
    /// <exception cref="BadInputException">A value is outside its range.</exception>
    public void Validate(object settings, bool asOptions)
    {
        foreach (OptionRow row in Rows)
        {
            row.Validate(settings, asOptions ? row.Name : row.Property);
        }
    }
}
