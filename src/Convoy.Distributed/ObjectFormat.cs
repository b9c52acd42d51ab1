using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Convoy.Distributed;

/// <summary>How objects of a type become bytes and come back.</summary>
/// <typeparam name="T">The type.</typeparam>
/// <param name="Write">Makes bytes.</param>
/// <param name="Read">Makes an object.</param>
internal sealed record ObjectFormat<T>(Func<T, byte[]> Write, Func<byte[], T?> Read)
{
    // As much of what Python's pickle takes as JSON can hold: NaN and infinities, which losses are at times, and the fields of tuples.
    private static readonly JsonSerializerOptions Defaults = new() { IncludeFields = true, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    /// <summary>JSON by reflection.</summary>
    [RequiresUnreferencedCode(ProcessGroup.NeedsReflection)]
    [RequiresDynamicCode(ProcessGroup.NeedsReflection)]
    public static ObjectFormat<T> Of(JsonSerializerOptions? options) =>
        new(value => JsonSerializer.SerializeToUtf8Bytes(value, options ?? Defaults), bytes => JsonSerializer.Deserialize<T>(bytes, options ?? Defaults));

    /// <summary>JSON by generated code.</summary>
    public static ObjectFormat<T> Of(JsonTypeInfo<T> type)
    {
        ArgumentNullException.ThrowIfNull(type);
        return new(value => JsonSerializer.SerializeToUtf8Bytes(value, type), bytes => JsonSerializer.Deserialize(bytes, type));
    }

    /// <summary>The object as a message: its bytes, or why it has none.</summary>
    /// <param name="value">The object.</param>
    /// <param name="thrown">What kept it from being written; null: nothing.</param>
    public ObjectMessage Pack(T value, out Exception? thrown)
    {
        try
        {
            thrown = null;
            return new ObjectMessage(Write(value));
        }
        catch (Exception refusal)
        {
            // Whatever a converter or a property throws: the other ranks are told.
            thrown = refusal;
            return ObjectMessage.Of($"{typeof(T).Name} cannot be serialized: {refusal.Message}");
        }
    }
}
