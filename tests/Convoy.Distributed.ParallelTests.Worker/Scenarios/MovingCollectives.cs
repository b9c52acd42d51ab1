using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// Every operation that gives ranks different results, over element types, sizes and layouts. Rank s gives rank d elements of the
/// value 10 s + d + 1, so what must come out is a closed form. With an argument, on the platform for other systems.
/// </summary>
internal static class MovingCollectives
{
    // Empty, one, around the small size, and several rounds of every operation; not multiples of anything.
    private static readonly long[] Counts = [0, 1, 31, 8_191, 9_001, 300_007];

    private static readonly ScalarType[] Types = [float32, float64, float16, bfloat16, int64, int32, int16, int8, uint8, @bool];

    public static void Run(string[] args)
    {
        using ProcessGroup group = Groups.Join(args);
        foreach (ScalarType type in Types)
        {
            foreach (long count in Counts)
            {
                for (int root = 0; root < group.Size; root += Math.Max(1, group.Size - 1))
                {
                    using var scope = NewDisposeScope();
                    Gather(group, type, count, root);
                    Scatter(group, type, count, root);
                    Reduce(group, type, count, root);
                }

                using var inner = NewDisposeScope();
                ReduceScatter(group, type, count);
                AllToAll(group, type, count);
            }
        }

        Operators(group);
        Layouts(group);
        using Tensor complex = full([3], group.Rank + 1, complex64);
        group.Broadcast(complex, group.Size - 1);
        Expect.Equal(full([3], group.Size, complex64), complex, "Broadcast of complex numbers");
    }

    private static Tensor Value(ScalarType type, long count, int source, int destination) => full([count], (10 * source) + destination + 1, type);

    private static void Gather(ProcessGroup group, ScalarType type, long count, int root)
    {
        Tensor[]? outputs = group.Rank == root ? [.. Enumerable.Range(0, group.Size).Select(_ => zeros([count], type))] : null;
        group.Gather(outputs, Value(type, count, group.Rank, root), root);
        for (int rank = 0; rank < (outputs?.Length ?? 0); rank++)
        {
            Expect.Equal(Value(type, count, rank, root), outputs![rank], $"Gather {type} {count} to {root}, output {rank}");
        }
    }

    private static void Scatter(ProcessGroup group, ScalarType type, long count, int root)
    {
        Tensor[]? inputs = group.Rank == root ? [.. Enumerable.Range(0, group.Size).Select(rank => Value(type, count, root, rank))] : null;
        Tensor output = zeros([count], type);
        group.Scatter(output, inputs, root);
        Expect.Equal(Value(type, count, root, group.Rank), output, $"Scatter {type} {count} from {root}");
    }

    private static void Reduce(ProcessGroup group, ScalarType type, long count, int root)
    {
        Tensor tensor = full([count], group.Rank + 1, type);
        group.Reduce(tensor, root, ReduceOp.Max);
        Expect.Equal(full([count], group.Rank == root ? group.Size : group.Rank + 1, type), tensor, $"Reduce {type} {count} to {root}");
    }

    private static void ReduceScatter(ProcessGroup group, ScalarType type, long count)
    {
        // The sum over sources s of (s + 1) times (destination + 1); bool: any.
        Tensor[] inputs = [.. Enumerable.Range(0, group.Size).Select(rank => full([count], (group.Rank + 1) * (rank % 3 + 1), type))];
        Tensor output = zeros([count], type);
        group.ReduceScatter(output, inputs);
        long expected = group.Size * (group.Size + 1) / 2 * (group.Rank % 3 + 1);
        Expect.Equal(full([count], expected, type), output, $"ReduceScatter {type} {count}");
        Expect.Equal(full([count], group.Rank + 1, type), inputs[0], "ReduceScatter changed its input");
    }

    private static void AllToAll(ProcessGroup group, ScalarType type, long count)
    {
        // Rank s gives rank d count * (s + d) % 4 elements: every pair another number, some none.
        long Length(int source, int destination) => count * ((source + destination) % 4) / 2;
        Tensor[] inputs = [.. Enumerable.Range(0, group.Size).Select(rank => Value(type, Length(group.Rank, rank), group.Rank, rank))];
        Tensor[] outputs = [.. Enumerable.Range(0, group.Size).Select(rank => zeros([Length(rank, group.Rank)], type))];
        group.AllToAll(outputs, inputs);
        for (int rank = 0; rank < group.Size; rank++)
        {
            Expect.Equal(Value(type, Length(rank, group.Rank), rank, group.Rank), outputs[rank], $"AllToAll {type} {count}, output {rank}");
        }
    }

    private static void Operators(ProcessGroup group)
    {
        using var scope = NewDisposeScope();
        long n = group.Size, factorial = 1, and = ~0L, or = 0, xor = 0;
        for (long value = 1; value <= n; value++)
        {
            factorial *= value;
            and &= value + 8;
            or |= value + 8;
            xor ^= value + 8;
        }

        // The last size is reduced in parts.
        foreach (long count in new long[] { 5, 40_001 })
        {
            foreach (ScalarType type in Types[..7])
            {
                Tensor product = full([count], group.Rank + 1, type);
                group.AllReduce(product, ReduceOp.Product);
                Expect.Equal(full([count], factorial, int64).to(type), product, $"Product {type}");
            }

            foreach (ScalarType type in Types[..4])
            {
                Tensor mean = full([count], 2 * group.Rank, type);
                group.AllReduce(mean, ReduceOp.Average);
                Expect.Equal(full([count], n - 1, type), mean, $"Average {type}");
            }

            foreach (ScalarType type in Types[4..9])
            {
                foreach ((ReduceOp op, long expected) in new[] { (ReduceOp.BitwiseAnd, and), (ReduceOp.BitwiseOr, or), (ReduceOp.BitwiseXor, xor) })
                {
                    Tensor bits = full([count], group.Rank + 1 + 8, type);
                    group.AllReduce(bits, op);
                    Expect.Equal(full([count], expected, type), bits, $"{op} {type}");
                }
            }
        }
    }

    private static void Layouts(ProcessGroup group)
    {
        using var scope = NewDisposeScope();
        Tensor ramp = arange(70_000, float32).reshape(7, 100, 100);
        Tensor reduced = (ramp * (group.Rank + 1)).permute(2, 0, 1);
        group.Reduce(reduced, 0);
        Expect.Equal(ramp.permute(2, 0, 1) * (group.Rank == 0 ? group.Size * (group.Size + 1) / 2 : group.Rank + 1), reduced, "Reduce of a permuted tensor");

        Tensor output = zeros([4, 6], float32).t();
        group.ReduceScatter(output, [.. Enumerable.Range(0, group.Size).Select(_ => arange(24, float32).reshape(4, 6).t())], ReduceOp.Average);
        Expect.Equal(arange(24, float32).reshape(4, 6).t(), output, "ReduceScatter of transposed tensors");

        Tensor taken = zeros([4, 6], float32).t();
        group.Scatter(taken, group.Rank == 0 ? [.. Enumerable.Range(0, group.Size).Select(rank => full([6, 4], rank, float32))] : null, 0);
        Expect.Equal(full([6, 4], group.Rank, float32), taken, "Scatter into a transposed tensor");

        Tensor weight = zeros([5], float32, requires_grad: true);
        using (no_grad())
        {
            weight.fill_(group.Rank);
        }

        group.AllReduce(weight, ReduceOp.Max);
        Expect.Equal(full([5], group.Size - 1, float32), weight, "AllReduce of a leaf that needs gradients");
    }
}
