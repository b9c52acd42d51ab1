using System.Globalization;
using Convoy.Distributed.Backends.Single;
using Convoy.Distributed.Nn;
using Convoy.Distributed.ParallelTests.Worker.Training;
using Convoy.Torch.Interop;
using static TorchSharp.torch;
using State = System.Collections.Generic.IReadOnlyDictionary<string, TorchSharp.torch.Tensor>;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// Trains every task on parts of a batch, with small and large buckets, with and without overlap: after each of 5 updates
/// gradients, weights and the optimizer's moments are those of one process on the whole batch, on every rank the same bits, and
/// the same bits whatever the options. Then many updates, as many as the argument says. Writes how many bytes of gradients the ranks have averaged.
/// </summary>
internal static class TrainingParity
{
    private const int Updates = 5;

    private static readonly DistributedDataParallelOptions Small = new() { BucketCapMb = 1 / 1024.0, FirstBucketCapMb = 1 / 1024.0 };

    private static readonly (string Name, DistributedDataParallelOptions Options)[] Variants =
    [
        ("1 KB", Small),
        ("1 KB without overlap", Small with { Overlap = false }),
        ("25 MB", new()),
        ("25 MB without overlap", new() { Overlap = false }),
        ("1 KB with copies", Small with { GradientAsBucketView = false }),
    ];

    public static void Run(string[] args)
    {
        using ProcessGroup group = Groups.Join(args);
        long averaged = 0;
        foreach (TrainingTask task in TrainingTask.All)
        {
            averaged += Compare(task, float32, group, relative: 1.3e-6, absolute: 5e-5);
            averaged += Compare(task, float64, group, relative: 1e-12, absolute: 1e-12);
        }

        averaged += TrainLong(group, int.Parse(args[0], CultureInfo.InvariantCulture));
        Console.WriteLine(averaged.ToString(CultureInfo.InvariantCulture));
    }

    private static long Compare(TrainingTask task, ScalarType type, ProcessGroup group, double relative, double absolute)
    {
        using var scope = NewDisposeScope();
        State[] expected;
        using (var alone = new ProcessGroupSingle())
        {
            expected = Train(task, type, alone, null, out _, out _);
        }

        long averaged = 0;
        State[]? first = null;
        foreach ((string name, DistributedDataParallelOptions options) in Variants)
        {
            State[] found = Train(task, type, group, options, out int buckets, out long bytes);
            averaged += bytes;
            Expect.True((buckets > 1) == (options.BucketCapMb < 1), $"{task.Name}, {name}: {buckets} buckets");
            for (int update = 0; update < Updates; update++)
            {
                string what = $"{task.Name}, {type}, {name}, update {update + 1}";
                RequireNear(expected[update], found[update], relative, absolute, what);
                if (first is not null)
                {
                    RequireEqual(first[update], found[update], $"{what}, against {Variants[0].Name}");
                }
            }

            RequireEqualOnAllRanks(found[^1], group, $"{task.Name}, {type}, {name}");
            first ??= found;
            if (!ReferenceEquals(first, found))
            {
                Free(found);
            }
        }

        Free(first!);
        Free(expected);
        return averaged;
    }

    private static State[] Train(TrainingTask task, ScalarType type, ProcessGroup group, DistributedDataParallelOptions? options, out int buckets, out long bytes)
    {
        using var run = new TrainingRun(task, type, group, options);
        var states = new State[Updates];
        for (int update = 0; update < Updates; update++)
        {
            run.Step();
            states[update] = run.State();
        }

        buckets = run.Buckets;
        bytes = Updates * run.GradientBytes;
        return states;
    }

    private static long TrainLong(ProcessGroup group, int updates)
    {
        long averaged = 0;
        State[] ends = [.. Variants[..2].Select(variant =>
        {
            using var run = new TrainingRun(TrainingTask.Convolutions, float32, group, variant.Options);
            for (int update = 0; update < updates; update++)
            {
                run.Step();
            }

            averaged += updates * run.GradientBytes;
            State end = run.State();
            RequireEqualOnAllRanks(end, group, $"{updates} updates, {variant.Name}");
            return end;
        })];
        RequireEqual(ends[0], ends[1], $"{updates} updates with and without overlap");
        Array.ForEach(ends, Free);
        return averaged;
    }

    private static void RequireNear(State expected, State found, double relative, double absolute, string what)
    {
        Expect.True(expected.Keys.ToHashSet().SetEquals(found.Keys), $"{what}: {string.Join(", ", found.Keys)} in place of {string.Join(", ", expected.Keys)}");
        using var scope = NewDisposeScope();
        foreach ((string name, Tensor value) in expected)
        {
            Tensor difference = (found[name].to(float64) - value.to(float64)).abs();
            Tensor allowed = (value.to(float64).abs() * relative) + absolute;
            Expect.True(difference.le(allowed).all().item<bool>(), $"{what}: {name} differs by up to {difference.max().item<double>():g3}");
        }
    }

    private static void RequireEqual(State expected, State found, string what)
    {
        foreach ((string name, Tensor value) in expected)
        {
            Expect.True(Hash(value) == Hash(found[name]), $"{what}: {name} has other bits");
        }
    }

    private static void RequireEqualOnAllRanks(State state, ProcessGroup group, string what)
    {
        using var scope = NewDisposeScope();
        string[] names = [.. state.Keys.Order(StringComparer.Ordinal)];
        Tensor own = tensor((long[])[.. names.Select(name => (long)Hash(state[name]))]);
        Tensor[] all = [.. Enumerable.Range(0, group.Size).Select(_ => empty_like(own))];
        group.AllGather(all, own);
        for (int rank = 0; rank < group.Size; rank++)
        {
            for (int i = 0; i < names.Length; i++)
            {
                Expect.True(all[rank][i].item<long>() == own[i].item<long>(), $"{what}: {names[i]} has other bits on rank {rank} than on rank {group.Rank}");
            }
        }
    }

    // FNV-1a.
    private static unsafe ulong Hash(Tensor value)
    {
        using Tensor dense = value.contiguous();
        ulong hash = 14695981039346656037;
        foreach (byte part in new ReadOnlySpan<byte>(TensorMemory.Address(dense), checked((int)(dense.numel() * dense.element_size()))))
        {
            hash = unchecked((hash ^ part) * 1099511628211);
        }

        return hash;
    }

    private static void Free(State[] states)
    {
        foreach (State state in states)
        {
            Free(state);
        }
    }

    private static void Free(State state)
    {
        foreach (Tensor value in state.Values)
        {
            value.Dispose();
        }
    }
}
