using System.Globalization;
using Convoy.Distributed.Backends.SharedMemory;
using Convoy.Distributed.ParallelTests.Worker.Barriers;
using Convoy.Distributed.Rendezvous;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// <c>BarrierStress BARRIERS REDUCTIONS SECONDS [late-reset | stale-generation]</c>: very many barriers, and all-reduces of
/// changing values, each checked; an operation may take so many seconds. With the name of a wrong barrier it is put into the group.
/// </summary>
internal static unsafe class BarrierStress
{
    // The all-reduces are small, so the end of each rank's area is free.
    private const int CounterOffset = ControlBlock.AreaBytes - 128;

    private const int Elements = 24;

    public static void Run(string[] args)
    {
        int barriers = int.Parse(args[0], CultureInfo.InvariantCulture), reductions = int.Parse(args[1], CultureInfo.InvariantCulture);
        RankEnvironment environment = RankEnvironment.Read();
        Store store = environment.ConnectStore(TimeSpan.FromSeconds(60));
        AwaitStart(store, environment);
        ControlBlock memory = default;
        using var group = new ProcessGroupSharedMemory(
            IPlatform.Current,
            store,
            environment.Rank,
            environment.WorldSize,
            TimeSpan.FromSeconds(double.Parse(args[2], CultureInfo.InvariantCulture)),
            ownsStore: true,
            barrier: (control, watch, rank, size) =>
            {
                memory = control;
                return (args.Length > 3 ? args[3] : "") switch
                {
                    "" => new SharedMemoryBarrier(control, watch, rank, size),
                    "late-reset" => new LateResetBarrier(control, watch, rank, size),
                    "stale-generation" => new StaleGenerationBarrier(control, watch, rank, size),
                    string other => throw new ArgumentException($"no barrier is called '{other}'"),
                };
            });
        Barriers(group, memory, barriers);
        Reductions(group, reductions);
    }

    // The timeout of operations is short where a wrong barrier is expected to hang; starting processes may take longer.
    private static void AwaitStart(Store store, RankEnvironment environment)
    {
        store.Set($"started/{environment.Rank}", "1");
        store.Wait([.. Enumerable.Range(0, environment.WorldSize).Select(rank => $"started/{rank}")], TimeSpan.FromSeconds(60));
    }

    private static void Barriers(ProcessGroupSharedMemory group, ControlBlock memory, int barriers)
    {
        int* own = Counter(memory, group.Rank);
        for (int i = 1; i <= barriers; i++)
        {
            Volatile.Write(ref *own, i);
            group.Barrier();
            for (int rank = 0; rank < group.Size; rank++)
            {
                // A rank may have gone on to the next barrier, but it cannot have passed that one.
                int seen = Volatile.Read(ref *Counter(memory, rank));
                if (seen != i && seen != i + 1)
                {
                    throw new InvalidOperationException($"barrier {i} let rank {group.Rank} through while rank {rank} was at barrier {seen}");
                }
            }
        }
    }

    private static void Reductions(ProcessGroupSharedMemory group, int reductions)
    {
        using Tensor tensor = zeros([Elements], int32);
        Span<int> values = new(Convoy.Torch.Interop.TensorMemory.Address(tensor), Elements);
        int ranks = group.Size * (group.Size - 1) / 2;
        for (int i = 1; i <= reductions; i++)
        {
            for (int k = 0; k < Elements; k++)
            {
                values[k] = (i * (k + 1)) + (group.Rank * (i + k));
            }

            group.AllReduce(tensor);
            for (int k = 0; k < Elements; k++)
            {
                int expected = (group.Size * i * (k + 1)) + (ranks * (i + k));
                if (values[k] != expected)
                {
                    throw new InvalidOperationException($"all-reduce {i} gave rank {group.Rank} {values[k]} in place of {expected} (element {k})");
                }
            }
        }
    }

    private static int* Counter(ControlBlock memory, int rank) => (int*)(memory.Area(rank, even: true) + CounterOffset);
}
