using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.Data;

/// <summary>Rows of tensors, of which each rank may have another number, brought to all ranks.</summary>
internal static class RankRows
{
    private const long NoRows = -1;

    /// <summary>How many rows there are, as <see cref="Describe"/> takes it.</summary>
    public static long CountOf(Tensor rows) => rows.dim() == 0 ? NoRows : rows.shape[0];

    /// <summary>A number of rows in words.</summary>
    public static string Describe(long count) => count switch
    {
        NoRows => "a single value and no rows",
        1 => "1 row",
        _ => FormattableString.Invariant($"{count} rows"),
    };

    /// <summary>The rows of each rank, by rank, in the present dispose scope.</summary>
    /// <param name="group">The ranks.</param>
    /// <param name="rows">This rank's, [n, ...].</param>
    /// <param name="counts">How many each rank has, the same on all ranks.</param>
    public static Tensor[] Gather(ProcessGroup group, Tensor rows, long[] counts)
    {
        long most = counts.Max();
        long[] shape = [most, .. rows.shape[1..]];
        if (most == 0)
        {
            return [.. counts.Select(_ => rows.new_empty(shape))];
        }

        Tensor padded = rows.detach();
        if (rows.shape[0] < most)
        {
            padded = rows.new_zeros(shape);
            padded.narrow(0, 0, rows.shape[0]).copy_(rows);
        }

        Tensor[] all = [.. counts.Select(_ => rows.new_empty(shape))];
        group.AllGather(all, padded);
        return [.. all.Select((part, rank) => part.narrow(0, 0, counts[rank]))];
    }
}
