using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Convoy.Metrics;

namespace Convoy.Training.Options;

/// <summary>One setting: its names, its help, its range, and how its value is read and written. Made from a property with an <see cref="OptionAttribute"/>.</summary>
public sealed class OptionRow
{
    private const string Auto = "auto";

    private readonly PropertyInfo _property;
    private readonly OptionAttribute _attribute;
    private readonly JsonSerializerOptions _json;
    private readonly Type _type;

    internal OptionRow(PropertyInfo property, OptionAttribute attribute, JsonSerializerOptions json)
    {
        (_property, _attribute, _json) = (property, attribute, WithOwnConverter(property, json));
        _type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        Setting = JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name);
        Name = attribute.Name ?? "--" + JsonNamingPolicy.KebabCaseLower.ConvertName(property.Name);
    }

    /// <summary>The option: <c>--batch-size</c>.</summary>
    public string Name { get; }

    /// <summary>The name in <c>config.json</c> and <c>--config</c>: <c>batch_size</c>.</summary>
    public string Setting { get; }

    /// <summary>The property: <c>BatchSize</c>.</summary>
    public string Property => _property.Name;

    /// <summary>The value's type, without the question mark of one that may be null.</summary>
    public Type Type => _type;

    /// <summary>What the setting does: one sentence.</summary>
    public string Help => _attribute.Help;

    /// <summary>What stands for the value in <c>--help</c>; null for nothing.</summary>
    public string? Value => _attribute.Value;

    /// <summary>What another value would change.</summary>
    public SettingEffect Effect => _attribute.Effect;

    /// <summary>What people call it in reports; null for its name.</summary>
    public string? Label => _attribute.Label;

    /// <summary>Whether the text names a file or a folder.</summary>
    public bool IsPath => _attribute.IsPath;

    /// <summary>Whether <c>auto</c> may be written, for a number that the program chooses.</summary>
    public bool IsAutomatic => _attribute.IsAutomatic;

    /// <summary>Whether the option is a switch, which takes no value.</summary>
    public bool IsSwitch => _type == typeof(bool) && !_attribute.TakesBoolean;

    /// <summary>Whether <c>true</c> or <c>false</c> may be written after the option; alone it stands for <c>true</c>.</summary>
    public bool IsOptionalBoolean => _type == typeof(bool) && _attribute.TakesBoolean;

    /// <summary>The switch that turns the setting off: <c>--no-augment</c>.</summary>
    public string OffName => "--no-" + Name[2..];

    /// <summary>Whether the value may be absent.</summary>
    public bool IsNullable => Nullable.GetUnderlyingType(_property.PropertyType) is not null || (!_type.IsValueType && new NullabilityInfoContext().Create(_property).ReadState == NullabilityState.Nullable);

    /// <summary>The setting's value in an object, as JSON; null where it is absent, <c>auto</c> where the program is to choose it.</summary>
    public JsonNode? Get(object settings) => ToJson(_property.GetValue(settings));

    /// <summary>Sets the value in an object.</summary>
    /// <exception cref="BadInputException">The value is not of the setting's kind.</exception>
    public void Set(object settings, JsonNode? value, string name) => _property.SetValue(settings, Read(value, name));

    /// <summary>Reads what stands after the option on a command line.</summary>
    /// <exception cref="BadInputException">It is no value of this setting.</exception>
    public JsonNode? Parse(string text)
    {
        if (IsAutomatic && text == Auto)
        {
            return JsonValue.Create(Auto);
        }

        if (NumberSyntax.Fault(_type, Name, text) is { } fault)
        {
            throw new BadInputException(fault.What, $"{Name} {text}", $"{fault.Remedy}{(IsAutomatic ? ", or auto" : string.Empty)}.");
        }

        JsonNode? value = _type == typeof(int) || _type == typeof(long) ? JsonValue.Create(long.Parse(text, NumberStyles.Integer, CultureInfo.InvariantCulture))
            : _type == typeof(double) ? JsonValue.Create(double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture))
            : _type == typeof(bool) ? JsonValue.Create(bool.TryParse(text, out bool holds) ? holds : throw new BadInputException($"{Name} must be true or false", text, $"Write true or false after {Name}."))
            : JsonValue.Create(IsPath ? Path.GetFullPath(text.Length > 0 ? text : throw new BadInputException($"{Name} is empty", "\"\"", "Give a path.")) : text);
        return ToJson(Read(value, Name));
    }

    /// <summary>A value as it is written after the option; empty where there is none.</summary>
    public string Format(JsonNode? value) => value switch
    {
        null => string.Empty,
        _ when _type.IsEnum => value.ToString().Replace(", ", ",", StringComparison.Ordinal).ToLowerInvariant(),
        _ => value.ToString(),
    };

    /// <summary>The words that set the value on a command line: <c>--batch-size 8</c>, <c>--no-augment</c>; none where there is no value.</summary>
    public IReadOnlyList<string> Arguments(JsonNode? value) => value is null ? []
        : IsSwitch ? [value.GetValue<bool>() ? Name : OffName]
        : [Name, Format(value)];

    /// <summary>The default in words for <c>--help</c>.</summary>
    public string Default(JsonNode? value) => value is null || (IsAutomatic && _attribute.Otherwise != "none" && Format(value) == Auto) ? _attribute.Otherwise : Format(value);

    /// <summary>Refuses a value outside the setting's range.</summary>
    /// <param name="settings">The object that holds it.</param>
    /// <param name="name">What to call the setting.</param>
    /// <exception cref="BadInputException">The value is outside.</exception>
    public void Validate(object settings, string name)
    {
        RequireInRange(_property.GetValue(settings), name);
    }

    private void RequireInRange(object? value, string name)
    {
        if (value is null or not IConvertible or string or bool or Enum)
        {
            return;
        }

        double number = Convert.ToDouble(value, CultureInfo.InvariantCulture);
        bool inside = double.IsFinite(number)
            && (_attribute.AboveMinimum ? number > _attribute.Minimum : number >= _attribute.Minimum)
            && (_attribute.BelowMaximum ? number < _attribute.Maximum : number <= _attribute.Maximum);
        if (!inside)
        {
            throw new BadInputException($"{name} must be {Range()} (got {Convert.ToString(value, CultureInfo.InvariantCulture)}).");
        }
    }

    // "at least 1", "above 0 and at most 200", "a finite number".
    private string Range()
    {
        string[] limits =
        [
            .. double.IsFinite(_attribute.Minimum) ? (string[])[(_attribute.AboveMinimum ? "above " : "at least ") + Text(_attribute.Minimum)] : [],
            .. double.IsFinite(_attribute.Maximum) ? (string[])[(_attribute.BelowMaximum ? "below " : "at most ") + Text(_attribute.Maximum)] : [],
        ];
        return limits.Length == 0 ? "a finite number" : string.Join(" and ", limits);
    }

    private static string Text(double value) => Math.Abs(value) < 1L << 53 && value == Math.Floor(value)
        ? ((long)value).ToString(CultureInfo.InvariantCulture)
        : value.ToString("0.############", CultureInfo.InvariantCulture);

    private object? Read(JsonNode? value, string name)
    {
        if (value is null)
        {
            return IsNullable ? null : throw WrongKind(value, name, null);
        }

        try
        {
            if (IsAutomatic && value is JsonValue given && given.TryGetValue(out string? word) && word == Auto)
            {
                return Convert.ChangeType(0, _type, CultureInfo.InvariantCulture);
            }

            object? read = value.Deserialize(_property.PropertyType, _json);
            if (IsAutomatic)
            {
                RequireInRange(read, name); // the property's 0 is the program's choice, and no number that a user may give
            }

            return read;
        }
        catch (JsonException error) when (error.InnerException is BadInputException own)
        {
            throw own;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
        {
            throw WrongKind(value, name, error);
        }
    }

    private static JsonSerializerOptions WithOwnConverter(PropertyInfo property, JsonSerializerOptions json)
    {
        if (property.GetCustomAttribute<JsonConverterAttribute>() is not { ConverterType: { } converter })
        {
            return json;
        }

        var own = new JsonSerializerOptions(json);
        own.Converters.Insert(0, (JsonConverter)Activator.CreateInstance(converter)!);
        return own;
    }

    private JsonNode? ToJson(object? value) => IsAutomatic && Convert.ToDouble(value, CultureInfo.InvariantCulture) == 0 ? JsonValue.Create(Auto) : JsonSerializer.SerializeToNode(value, _property.PropertyType, _json);

    private BadInputException WrongKind(JsonNode? value, string name, Exception? error)
    {
        string text = value is null ? "null" : value.GetValueKind() == JsonValueKind.String ? value.ToString() : value.ToJsonString();
        return new BadInputException($"{name} must be {_attribute.Kind ?? Kind()} (got {BadInputException.Excerpt(text)}).", error);
    }

    private string Kind() => _type switch
    {
        { IsEnum: true } when _type.IsDefined(typeof(FlagsAttribute)) => $"names from {Names()}, separated by commas",
        { IsEnum: true } => $"one of {Names()}",
        _ when _type == typeof(int) || _type == typeof(long) => "a whole number",
        _ when _type == typeof(double) => "a number",
        _ when _type == typeof(bool) => "true or false",
        _ when _type == typeof(string) => "text",
        _ => "text in its format",
    };

    private string Names() => string.Join(", ", _type.GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (field.GetCustomAttribute<JsonStringEnumMemberNameAttribute>()?.Name ?? field.Name).ToLowerInvariant()));
}
