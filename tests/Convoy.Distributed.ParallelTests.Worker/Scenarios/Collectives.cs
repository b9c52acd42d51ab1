using Convoy.Distributed.Rendezvous;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>Every operation over element types, sizes and layouts. Rank r puts in r + 1, so what must come out is a closed form.</summary>
internal static class Collectives
{
    // Around the widths of vectors and parts; the last passes through the scratch area in several pieces.
    private static readonly long[] Counts = [0, 1, 3, 31, 32, 33, 127, 1000, 4099, 700_001];

    private static readonly long[] BufferCounts = [1, 17, 70_001];

    private static readonly bool[] AnyExpected = [true, false, true];

    private static readonly ScalarType[] Types = [float32, float64, int64, int32, uint8];

    public static void Run(string[] args)
    {
        using ProcessGroup group = Groups.Join(args);
        Expect.True(group.Size == RankEnvironment.Read().WorldSize, "Size");
        foreach (ScalarType type in Types)
        {
            foreach (long count in Counts)
            {
                using var scope = NewDisposeScope();
                Reduce(group, type, count);
                Broadcast(group, type, count);
                Gather(group, type, count);
            }
        }

        Layouts(group);
        Booleans(group);
        Buffers(group);
        OrderOfAddition(group, Groups.Levels(args, [.. Enumerable.Range(0, group.Size)]));
        NotANumber(group);
        for (int i = 0; i < 2000; i++)
        {
            group.Barrier();
        }
    }

    private static void Reduce(ProcessGroup group, ScalarType type, long count)
    {
        long n = group.Size;
        foreach ((ReduceOp op, double expected) in new[] { (ReduceOp.Sum, n * (n + 1) / 2.0), (ReduceOp.Min, 1.0), (ReduceOp.Max, n), (ReduceOp.Average, (n + 1) / 2.0) })
        {
            if (op == ReduceOp.Average && type is not (ScalarType.Float32 or ScalarType.Float64))
            {
                continue;
            }

            Tensor tensor = full([count], group.Rank + 1, type);
            group.AllReduce(tensor, op);
            Expect.Equal(full([count], expected, type), tensor, $"AllReduce {op} {type} {count}");
        }
    }

    private static void Broadcast(ProcessGroup group, ScalarType type, long count)
    {
        for (int root = 0; root < group.Size; root++)
        {
            Tensor tensor = full([count], group.Rank + 1, type);
            group.Broadcast(tensor, root);
            Expect.Equal(full([count], root + 1, type), tensor, $"Broadcast {type} {count} from {root}");
        }
    }

    private static void Gather(ProcessGroup group, ScalarType type, long count)
    {
        Tensor[] outputs = [.. Enumerable.Range(0, group.Size).Select(_ => zeros([count], type))];
        group.AllGather(outputs, full([count], group.Rank + 1, type));
        for (int rank = 0; rank < group.Size; rank++)
        {
            Expect.Equal(full([count], rank + 1, type), outputs[rank], $"AllGather {type} {count}, output {rank}");
        }
    }

    private static void Layouts(ProcessGroup group)
    {
        using var scope = NewDisposeScope();
        long n = group.Size;
        Tensor ramp = arange(60, float32).reshape(3, 4, 5);
        Tensor turned = (ramp * (group.Rank + 1)).permute(2, 0, 1);
        group.AllReduce(turned);
        Expect.Equal(ramp.permute(2, 0, 1) * (n * (n + 1) / 2.0f), turned, "AllReduce of a permuted tensor");

        Tensor whole = zeros([10, 10], float32);
        Tensor part = whole[TensorIndex.Slice(2, 5), TensorIndex.Slice(1, 9, 3)];
        part.fill_(group.Rank + 1);
        group.Broadcast(part, (int)n - 1);
        Expect.Equal(full([3, 3], n, float32), part, "Broadcast of a strided part");
        Expect.True(whole.sum().item<float>() == 9 * n, "Broadcast wrote beside the part");

        Tensor[] outputs = [.. Enumerable.Range(0, group.Size).Select(_ => zeros([4, 6], int64).t())];
        group.AllGather(outputs, full([24], group.Rank + 1, int64));
        Expect.Equal(full([6, 4], n, int64), outputs[^1], "AllGather into a transposed tensor");
    }

    private static void Booleans(ProcessGroup group)
    {
        using var scope = NewDisposeScope();
        Tensor any = tensor((bool[])[group.Rank == 0, false, true]), all = any.clone();
        group.AllReduce(any, ReduceOp.Max);
        group.AllReduce(all, ReduceOp.Min);
        Expect.Equal(tensor(AnyExpected), any, "any");
        Expect.Equal(tensor((bool[])[group.Size == 1, false, true]), all, "all");
    }

    private static void Buffers(ProcessGroup group)
    {
        using var scope = NewDisposeScope();
        foreach (ScalarType type in Types[..4])
        {
            foreach (long count in BufferCounts)
            {
                using Tensor buffer = group.AllocateBuffer(count, type);
                Expect.Equal(zeros([count], type), buffer, "a new buffer");
                buffer.fill_(group.Rank + 1);
                group.AllReduce(buffer);
                Expect.Equal(full([count], group.Size * (group.Size + 1) / 2, type), buffer, $"AllReduce of a buffer, {type} {count}");
                if (count > 10)
                {
                    // A part in the middle, not aligned to anything; what is beside it stays.
                    buffer.fill_(group.Rank + 1);
                    group.AllReduce(buffer.narrow(0, 3, 7), ReduceOp.Max);
                    Expect.Equal(full([7], group.Size, type), buffer.narrow(0, 3, 7), "AllReduce of a part of a buffer");
                    Expect.Equal(full([3], group.Rank + 1, type), buffer.narrow(0, 0, 3), "the buffer before the part");
                    Expect.Equal(full([count - 10], group.Rank + 1, type), buffer.narrow(0, 10, count - 10), "the buffer after the part");
                }
            }
        }
    }

    private static void OrderOfAddition(ProcessGroup group, IReadOnlyList<int[]> levels)
    {
        // Numbers whose sum depends on the order: the result must be that of rank 0 + rank 1 + ... of each host, and then of the hosts, bit by bit, wherever it lies.
        using var scope = NewDisposeScope();
        const long Count = 5003;
        Tensor[] inputs = [.. Enumerable.Range(0, group.Size).Select(rank => randn([Count], float32, generator: new Generator((ulong)rank)) * MathF.Pow(1000, rank % 3))];
        Tensor expected = levels.Select(host => host.Select(rank => inputs[rank]).Aggregate((sum, next) => sum + next)).Aggregate((sum, next) => sum + next);

        Tensor staged = inputs[group.Rank].clone();
        group.AllReduce(staged);
        Expect.Equal(expected, staged, "the order of addition");
        using Tensor buffer = group.AllocateBuffer(Count, float32);
        buffer.copy_(inputs[group.Rank]);
        group.AllReduce(buffer);
        Expect.Equal(expected, buffer, "the order of addition in a buffer");
    }

    private static void NotANumber(ProcessGroup group)
    {
        using var scope = NewDisposeScope();
        foreach (ReduceOp op in new[] { ReduceOp.Sum, ReduceOp.Average, ReduceOp.Product, ReduceOp.Min, ReduceOp.Max })
        {
            Tensor tensor = full([67], group.Rank == 0 ? float.NaN : 1, float32);
            group.AllReduce(tensor, op);
            Expect.True(tensor.isnan().all().item<bool>(), $"{op} lost a NaN");
        }
    }
}
