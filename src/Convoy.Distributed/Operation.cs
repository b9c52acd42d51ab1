using static TorchSharp.torch;

namespace Convoy.Distributed;

/// <summary>
/// What a rank asks of its group. One description goes with a call all the way: to the backend, to the comparison with other
/// ranks, to recorders and into error messages.
/// </summary>
/// <param name="Kind">Which operation.</param>
/// <param name="ElementType">The tensors' element type; null where there is no tensor.</param>
/// <param name="Shape">The shape of the rank's own tensor (of one of them where there are several); empty where there is none.</param>
/// <param name="ReduceOp">How elements are combined; null where they are not.</param>
/// <param name="Peer">The root, destination or source; null where no rank is special.</param>
/// <param name="Tag">The tag of a message between two ranks; otherwise 0.</param>
/// <param name="Ranks">The members of a new group; otherwise null.</param>
public sealed record Operation(
    OperationKind Kind, ScalarType? ElementType = null, IReadOnlyList<long>? Shape = null, ReduceOp? ReduceOp = null, int? Peer = null, int Tag = 0, IReadOnlyList<int>? Ranks = null)
{
    /// <summary>The number of elements of the rank's own tensor; 0 where there is none.</summary>
    public long Count
    {
        get
        {
            long count = ElementType is null ? 0 : 1;
            for (int i = 0; i < (Shape?.Count ?? 0); i++)
            {
                count *= Shape![i];
            }

            return count;
        }
    }

    /// <summary>The size of the rank's own tensor in bytes; 0 where there is none.</summary>
    public long Bytes => ElementType is { } type ? Count * BytesOf(type) : 0;

    /// <summary>Whether it is a message between two ranks, and not a collective operation of all.</summary>
    public bool IsMessage => Kind is OperationKind.Send or OperationKind.Receive;

    /// <summary>The name of <see cref="Kind"/>. An enumeration's own ToString allocates, and the smallest operations take microseconds.</summary>
    internal string Name => Kind switch
    {
        OperationKind.Barrier => nameof(OperationKind.Barrier),
        OperationKind.AllReduce => nameof(OperationKind.AllReduce),
        OperationKind.Broadcast => nameof(OperationKind.Broadcast),
        _ => Kind.ToString(),
    };

    /// <summary>The size of an element of a type in bytes.</summary>
    internal static int BytesOf(ScalarType type) => type switch
    {
        ScalarType.Byte or ScalarType.Int8 or ScalarType.Bool => 1,
        ScalarType.Int16 or ScalarType.Float16 or ScalarType.BFloat16 => 2,
        ScalarType.Int64 or ScalarType.Float64 or ScalarType.ComplexFloat32 => 8,
        ScalarType.ComplexFloat64 => 16,
        _ => 4,
    };

    /// <summary>What has to be the same on all ranks of a collective operation, in words: all but the sizes of <see cref="ProcessGroup.AllToAll"/>.</summary>
    public string Signature => Kind == OperationKind.AllToAll ? $"{Kind}({ElementType})" : ToString();

    /// <summary>For example <c>AllReduce([64, 3, 7, 7] Float32, Average)</c>.</summary>
    public override string ToString()
    {
        List<string> parts = [];
        if (ElementType is not null)
        {
            parts.Add(FormattableString.Invariant($"[{string.Join(", ", Shape ?? [])}] {ElementType}"));
        }

        if (Ranks is not null)
        {
            parts.Add(FormattableString.Invariant($"ranks {string.Join(", ", Ranks)}"));
        }

        if (ReduceOp is not null)
        {
            parts.Add(FormattableString.Invariant($"{ReduceOp}"));
        }

        if (Peer is not null)
        {
            parts.Add(FormattableString.Invariant($"{PeerName} {Peer}"));
        }

        if (Tag != 0)
        {
            parts.Add(FormattableString.Invariant($"tag {Tag}"));
        }

        return $"{Kind}({string.Join(", ", parts)})";
    }

    private string PeerName => Kind switch
    {
        OperationKind.Send => "to rank",
        OperationKind.Receive => "from rank",
        _ => "root",
    };
}

/// <summary>What the ranks of a <see cref="ProcessGroup"/> can do together.</summary>
public enum OperationKind
{
    /// <summary><see cref="ProcessGroup.Barrier"/>.</summary>
    Barrier,

    /// <summary><see cref="ProcessGroup.AllReduce"/>.</summary>
    AllReduce,

    /// <summary><see cref="ProcessGroup.Broadcast"/>.</summary>
    Broadcast,

    /// <summary><see cref="ProcessGroup.Reduce"/>.</summary>
    Reduce,

    /// <summary><see cref="ProcessGroup.AllGather"/>.</summary>
    AllGather,

    /// <summary><see cref="ProcessGroup.Gather"/>.</summary>
    Gather,

    /// <summary><see cref="ProcessGroup.Scatter"/>.</summary>
    Scatter,

    /// <summary><see cref="ProcessGroup.ReduceScatter"/>.</summary>
    ReduceScatter,

    /// <summary><see cref="ProcessGroup.AllToAll"/>.</summary>
    AllToAll,

    /// <summary><see cref="ProcessGroup.Send"/>.</summary>
    Send,

    /// <summary><see cref="ProcessGroup.Receive"/>.</summary>
    Receive,

    /// <summary><see cref="ProcessGroup.AllocateBuffer"/>.</summary>
    AllocateBuffer,

    /// <summary><see cref="ProcessGroup.NewGroup"/>.</summary>
    NewGroup,

    /// <summary><see cref="ProcessGroup.AllocateShared"/>.</summary>
    AllocateShared,
}
