using System.Text;
using static TorchSharp.torch;

namespace Convoy.Distributed;

/// <summary>
/// Bytes of any length between ranks, or the reason why a rank has none: what <see cref="ProcessGroup"/>'s operations on objects are made of. Every rank takes part in the
/// same operations whether it could make its bytes or not, so that none waits for one that failed.
/// </summary>
internal static class ObjectExchange
{
    private const long Intact = 0;
    private const long Failed = 1;

    /// <summary>Brings each rank's message to all.</summary>
    public static IReadOnlyList<ObjectMessage> AllGather(ProcessGroup group, ObjectMessage own)
    {
        using var scope = NewDisposeScope();
        (long[] headers, long most) = Headers(group, own);
        Tensor[] all = Buffers(group, group.Size, most);
        group.AllGather(all, Padded(group, own.Content, most));
        return Read(headers, all);
    }

    /// <summary>Brings each rank's message to the root, and null to other ranks; when one failed, all messages to all ranks.</summary>
    public static IReadOnlyList<ObjectMessage>? Gather(ProcessGroup group, ObjectMessage own, int root)
    {
        using var scope = NewDisposeScope();
        (long[] headers, long most) = Headers(group, own);
        bool isAnyFailed = headers.Where((_, i) => i % 2 == 0).Any(state => state != Intact);
        Tensor content = Padded(group, own.Content, most);
        Tensor[] all = Buffers(group, isAnyFailed || group.Rank == root ? group.Size : 0, most);
        if (isAnyFailed)
        {
            group.AllGather(all, content);
        }
        else
        {
            group.Gather(group.Rank == root ? all : null, content, root);
        }

        return all.Length == 0 ? null : Read(headers, all);
    }

    /// <summary>Brings the root's message to all; what other ranks give is not looked at.</summary>
    public static ObjectMessage Broadcast(ProcessGroup group, ObjectMessage own, int root)
    {
        using var scope = NewDisposeScope();
        Tensor header = Header(group, own.Error is null ? Intact : Failed, own.Content.LongLength);
        group.Broadcast(header, root);
        long[] told = header.cpu().data<long>().ToArray();
        Tensor content = group.Rank == root ? Padded(group, own.Content, told[1]) : Buffers(group, 1, told[1])[0];
        group.Broadcast(content, root);
        return Read(told, [content])[0];
    }

    /// <summary>Brings each rank its message of the root's; when the root has none, its error.</summary>
    /// <param name="group">The ranks.</param>
    /// <param name="parts">On the root one for each rank; a single one with its error when it failed.</param>
    /// <param name="root">The rank that has them.</param>
    public static ObjectMessage Scatter(ProcessGroup group, IReadOnlyList<ObjectMessage> parts, int root)
    {
        bool isRoot = group.Rank == root;
        if (isRoot && parts[0].Error is not null)
        {
            return Broadcast(group, parts[0], root);
        }

        // The lengths of all, which every rank needs: buffers have one size.
        byte[] lengths = isRoot ? [.. parts.SelectMany(part => BitConverter.GetBytes(part.Content.LongLength))] : [];
        ObjectMessage told = Broadcast(group, new ObjectMessage(lengths), root);
        if (told.Error is not null)
        {
            return told;
        }

        using var scope = NewDisposeScope();
        long[] sizes = [.. Enumerable.Range(0, group.Size).Select(rank => BitConverter.ToInt64(told.Content, rank * sizeof(long)))];
        Tensor own = Buffers(group, 1, sizes.Max())[0];
        group.Scatter(own, isRoot ? [.. parts.Select(part => Padded(group, part.Content, sizes.Max()))] : null, root);
        return Read([Intact, sizes[group.Rank]], [own])[0];
    }

    /// <summary>Tells the other ranks that this one is done with something, or failed with it.</summary>
    public static void SendOutcome(ProcessGroup group, string? error) =>
        Broadcast(group, error is null ? new ObjectMessage([]) : ObjectMessage.Of(error), group.Rank);

    /// <summary>Waits for the rank that <see cref="SendOutcome"/> tells of.</summary>
    /// <exception cref="DistributedException">It failed.</exception>
    public static void ReceiveOutcome(ProcessGroup group, int root, string operation)
    {
        if (Broadcast(group, new ObjectMessage([]), root).Error is { } error)
        {
            throw new DistributedException(FormattableString.Invariant($"{operation}: rank {root} failed: {error}"));
        }
    }

    // Two numbers of each rank, state and length, and the greatest length.
    private static (long[] Headers, long Most) Headers(ProcessGroup group, ObjectMessage own)
    {
        long[][] told = RankNumbers.AllGather(group, own.Error is null ? Intact : Failed, own.Content.LongLength);
        return ([.. told.SelectMany(one => one)], told.Max(one => one[1]));
    }

    private static Tensor Header(ProcessGroup group, long state, long length) => tensor([state, length], device: new Device(group.TensorDevice));

    private static Tensor[] Buffers(ProcessGroup group, int count, long length) =>
        [.. Enumerable.Range(0, count).Select(_ => zeros(length, dtype: ScalarType.Byte, device: new Device(group.TensorDevice)))];

    private static Tensor Padded(ProcessGroup group, byte[] content, long length)
    {
        byte[] padded = new byte[length];
        content.CopyTo(padded, 0);
        return tensor(padded, dtype: ScalarType.Byte, device: new Device(group.TensorDevice));
    }

    private static ObjectMessage[] Read(long[] headers, IReadOnlyList<Tensor> contents) =>
    [
        .. contents.Select((content, i) =>
        {
            byte[] bytes = content.cpu().data<byte>().ToArray()[..(int)headers[(2 * i) + 1]];
            return headers[2 * i] == Intact ? new ObjectMessage(bytes) : ObjectMessage.Of(Encoding.UTF8.GetString(bytes));
        }),
    ];
}

/// <summary>An object on its way.</summary>
/// <param name="Content">Its bytes; the error's in UTF-8 where there is one.</param>
/// <param name="Error">Why its rank could not make its bytes; null: it could.</param>
internal sealed record ObjectMessage(byte[] Content, string? Error = null)
{
    /// <summary>The message of a rank that failed.</summary>
    public static ObjectMessage Of(string error) => new(Encoding.UTF8.GetBytes(error), error);
}
