using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Convoy.Distributed;

/// <content>
/// Objects between ranks, as JSON (System.Text.Json): records, dictionaries, lists, texts, numbers with NaN and infinities, tuples, null. Like PyTorch's <c>all_gather_object</c> and its kin they
/// exchange sizes first and are for small things now and then, not for tensors in every step. An object comes back as a copy, also on the rank that gave it.
/// </content>
public abstract partial class ProcessGroup
{
    internal const string NeedsReflection = "Objects are turned to JSON by reflection. Give a JsonTypeInfo of a JsonSerializerContext in a program that is trimmed or compiled ahead of time.";

    /// <summary>Gathers every rank's <paramref name="value"/> on every rank (PyTorch's <c>all_gather_object</c>). All ranks call it together.</summary>
    /// <typeparam name="T">The type that is serialized, the same on all ranks.</typeparam>
    /// <param name="value">This rank's object, also null.</param>
    /// <param name="options">How to serialize, the same on all ranks; null: NaN, infinities and fields are allowed, otherwise System.Text.Json's defaults.</param>
    /// <returns>The objects by rank.</returns>
    /// <exception cref="DistributedException">An object cannot be serialized, which all ranks tell and name the rank, or not be read; then the group stays usable. Or a rank failed.</exception>
    [RequiresUnreferencedCode(NeedsReflection)]
    [RequiresDynamicCode(NeedsReflection)]
    public IReadOnlyList<T> AllGatherObject<T>(T value, JsonSerializerOptions? options = null) => AllGatherObject(value, ObjectFormat<T>.Of(options));

    /// <summary>Like <see cref="AllGatherObject{T}(T, JsonSerializerOptions?)"/>, with generated code.</summary>
    public IReadOnlyList<T> AllGatherObject<T>(T value, JsonTypeInfo<T> type) => AllGatherObject(value, ObjectFormat<T>.Of(type));

    /// <summary>Gives all ranks the object of rank <paramref name="root"/> (PyTorch's <c>broadcast_object_list</c>). All ranks call it together.</summary>
    /// <typeparam name="T">The type that is serialized, the same on all ranks.</typeparam>
    /// <param name="value">On the root the object, also null; what other ranks give is not looked at.</param>
    /// <param name="root">The rank whose object all get. Default: 0.</param>
    /// <param name="options">See <see cref="AllGatherObject{T}(T, JsonSerializerOptions?)"/>.</param>
    /// <exception cref="DistributedException">The object cannot be serialized, which all ranks tell, or not be read; then the group stays usable. Or a rank failed.</exception>
    [RequiresUnreferencedCode(NeedsReflection)]
    [RequiresDynamicCode(NeedsReflection)]
    public T BroadcastObject<T>(T value, int root = 0, JsonSerializerOptions? options = null) => BroadcastObject(value, ObjectFormat<T>.Of(options), root);

    /// <summary>Like <see cref="BroadcastObject{T}(T, int, JsonSerializerOptions?)"/>, with generated code.</summary>
    public T BroadcastObject<T>(T value, JsonTypeInfo<T> type, int root = 0) => BroadcastObject(value, ObjectFormat<T>.Of(type), root);

    /// <summary>Gathers every rank's <paramref name="value"/> on rank <paramref name="root"/> (PyTorch's <c>gather_object</c>). All ranks call it together.</summary>
    /// <typeparam name="T">The type that is serialized, the same on all ranks.</typeparam>
    /// <param name="value">This rank's object, also null.</param>
    /// <param name="root">The rank that gets them. Default: 0.</param>
    /// <param name="options">See <see cref="AllGatherObject{T}(T, JsonSerializerOptions?)"/>.</param>
    /// <returns>On the root the objects by rank; elsewhere null.</returns>
    /// <exception cref="DistributedException">An object cannot be serialized, which all ranks tell and name the rank, or not be read; then the group stays usable. Or a rank failed.</exception>
    [RequiresUnreferencedCode(NeedsReflection)]
    [RequiresDynamicCode(NeedsReflection)]
    public IReadOnlyList<T>? GatherObject<T>(T value, int root = 0, JsonSerializerOptions? options = null) => GatherObject(value, ObjectFormat<T>.Of(options), root);

    /// <summary>Like <see cref="GatherObject{T}(T, int, JsonSerializerOptions?)"/>, with generated code.</summary>
    public IReadOnlyList<T>? GatherObject<T>(T value, JsonTypeInfo<T> type, int root = 0) => GatherObject(value, ObjectFormat<T>.Of(type), root);

    /// <summary>Gives each rank its own of the objects that rank <paramref name="root"/> has (PyTorch's <c>scatter_object_list</c>). All ranks call it together.</summary>
    /// <typeparam name="T">The type that is serialized, the same on all ranks.</typeparam>
    /// <param name="values">On the root <see cref="Size"/> objects, by rank; elsewhere null, and not looked at.</param>
    /// <param name="root">The rank that has them. Default: 0.</param>
    /// <param name="options">See <see cref="AllGatherObject{T}(T, JsonSerializerOptions?)"/>.</param>
    /// <returns>This rank's object.</returns>
    /// <exception cref="DistributedException">The root has not one object for each rank, or one cannot be serialized, which all ranks tell, or not be read; then the group stays usable. Or a rank failed.</exception>
    [RequiresUnreferencedCode(NeedsReflection)]
    [RequiresDynamicCode(NeedsReflection)]
    public T ScatterObject<T>(IReadOnlyList<T>? values, int root = 0, JsonSerializerOptions? options = null) => ScatterObject(values, ObjectFormat<T>.Of(options), root);

    /// <summary>Like <see cref="ScatterObject{T}(IReadOnlyList{T}?, int, JsonSerializerOptions?)"/>, with generated code.</summary>
    public T ScatterObject<T>(IReadOnlyList<T>? values, JsonTypeInfo<T> type, int root = 0) => ScatterObject(values, ObjectFormat<T>.Of(type), root);

    private T[] AllGatherObject<T>(T value, ObjectFormat<T> format)
    {
        ObjectMessage own = format.Pack(value, out Exception? thrown);
        return Unpack(ObjectExchange.AllGather(this, own), format, nameof(AllGatherObject), thrown);
    }

    private T BroadcastObject<T>(T value, ObjectFormat<T> format, int root)
    {
        RequireRank(root, nameof(root));
        Exception? thrown = null;
        ObjectMessage own = Rank == root ? format.Pack(value, out thrown) : new ObjectMessage([]);
        return Unpack(ObjectExchange.Broadcast(this, own, root), format, nameof(BroadcastObject), root, thrown);
    }

    private T[]? GatherObject<T>(T value, ObjectFormat<T> format, int root)
    {
        RequireRank(root, nameof(root));
        ObjectMessage own = format.Pack(value, out Exception? thrown);
        return ObjectExchange.Gather(this, own, root) is { } all ? Unpack(all, format, nameof(GatherObject), thrown) : null;
    }

    private T ScatterObject<T>(IReadOnlyList<T>? values, ObjectFormat<T> format, int root)
    {
        RequireRank(root, nameof(root));
        Exception? thrown = null;
        List<ObjectMessage> parts = [];
        if (Rank == root && values?.Count != Size)
        {
            parts.Add(ObjectMessage.Of(FormattableString.Invariant($"{values?.Count ?? 0} objects were given for {Size} ranks. Give one for each.")));
        }
        else if (Rank == root)
        {
            foreach (T value in values!)
            {
                parts.Add(format.Pack(value, out Exception? refusal));
                thrown ??= refusal;
            }

            // The error alone, when there is one.
            parts = parts.Find(part => part.Error is not null) is { } failed ? [failed] : parts;
        }

        return Unpack(ObjectExchange.Scatter(this, parts, root), format, nameof(ScatterObject), root, thrown);
    }

    private static T[] Unpack<T>(IReadOnlyList<ObjectMessage> messages, ObjectFormat<T> format, string operation, Exception? thrown)
    {
        string[] failures = [.. messages.Select((message, rank) => message.Error is null ? "" : FormattableString.Invariant($"rank {rank}: {message.Error}")).Where(failure => failure.Length > 0)];
        return failures.Length > 0
            ? throw new DistributedException($"{operation}: {string.Join("; ", failures)}", thrown)
            : [.. messages.Select((message, rank) => Unpack(message, format, operation, rank, thrown))];
    }

    private static T Unpack<T>(ObjectMessage message, ObjectFormat<T> format, string operation, int rank, Exception? thrown)
    {
        if (message.Error is not null)
        {
            throw new DistributedException(FormattableString.Invariant($"{operation}: rank {rank}: {message.Error}"), thrown);
        }

        try
        {
            // Null where the rank gave null.
            return format.Read(message.Content)!;
        }
        catch (Exception refusal)
        {
            throw new DistributedException(FormattableString.Invariant($"{operation}: what rank {rank} gave is no {typeof(T).Name}: {refusal.Message} All ranks must use the same type."), refusal);
        }
    }
}
