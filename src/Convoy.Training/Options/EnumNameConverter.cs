using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Convoy.Training.Options;

/// <summary>
/// Enums by their names in JSON, never by number, so that a value which is none does not come in. Flags are names joined by commas.
/// </summary>
/// <typeparam name="T">The enum; <see cref="JsonStringEnumMemberNameAttribute"/> gives a value another name.</typeparam>
internal sealed class EnumNameConverter<T> : JsonConverter<T>
    where T : struct, Enum
{
    private static readonly (string Name, T Value)[] Names =
        [.. typeof(T).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (field.GetCustomAttribute<JsonStringEnumMemberNameAttribute>()?.Name ?? field.Name, (T)field.GetValue(null)!))];

    private static readonly bool IsFlags = typeof(T).IsDefined(typeof(FlagsAttribute));

    /// <inheritdoc/>
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        return reader.TokenType == JsonTokenType.String && Parse(reader.GetString()!) is { } value ? value : throw Unknown();
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(Format(value));

    /// <summary>The value of a name, or of several; null when one is unknown.</summary>
    internal static T? Parse(string text)
    {
        long value = 0;
        foreach (string part in IsFlags ? text.Split(',', StringSplitOptions.TrimEntries) : [text])
        {
            int at = Array.FindIndex(Names, entry => string.Equals(entry.Name, part, StringComparison.OrdinalIgnoreCase));
            if (at < 0)
            {
                return null;
            }

            value |= Convert.ToInt64(Names[at].Value, null);
        }

        return (T)Enum.ToObject(typeof(T), value);
    }

    /// <summary>The name of a value, or the names of its flags.</summary>
    internal static string Format(T value)
    {
        int at = Array.FindIndex(Names, entry => entry.Value.Equals(value));
        return at >= 0 ? Names[at].Name
            : string.Join(", ", Names.Where(entry => Convert.ToInt64(entry.Value, null) != 0 && value.HasFlag(entry.Value)).Select(entry => entry.Name));
    }

    private static JsonException Unknown()
    {
        string names = string.Join(", ", Names.Select(entry => entry.Name));
        return new JsonException(IsFlags ? $"Give names from {names}, joined by commas." : $"Give one of {names}.");
    }
}

/// <summary>Gives every enum an <see cref="EnumNameConverter{T}"/>.</summary>
internal sealed class EnumNameConverterFactory : JsonConverterFactory
{
    /// <inheritdoc/>
    public override bool CanConvert(Type typeToConvert) => typeToConvert.IsEnum;

    /// <inheritdoc/>
    public override JsonConverter CreateConverter(Type typeToConvert, JsonSerializerOptions options) =>
        (JsonConverter)Activator.CreateInstance(typeof(EnumNameConverter<>).MakeGenericType(typeToConvert))!;
}
