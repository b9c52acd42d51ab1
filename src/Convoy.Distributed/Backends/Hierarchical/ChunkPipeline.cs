using Convoy.Distributed.Backends.SharedMemory;
using Convoy.Distributed.Rendezvous;
using Convoy.Torch.Interop;
using static TorchSharp.torch;

namespace Convoy.Distributed.Backends.Hierarchical;

/// <summary>
/// Moves data in chunks: inside each host every lane gets its slice of a chunk, the lanes exchange slices between hosts, and inside each host all ranks get all slices. While a chunk is between hosts, the next one is
/// prepared inside. Where the data lies in a buffer of the host's group, slices travel from there and back; other data is copied through such a buffer.
/// </summary>
/// <remarks>All ranks, on whatever host, cut data in the same way: it depends on sizes, and on whether the data lies in a buffer of the group, which has to be so on all ranks or on none. Not thread-safe.</remarks>
internal sealed unsafe class ChunkPipeline : IDisposable
{
    // The size of a chunk that is copied through the buffer, and of one that is combined where it lies: large enough that messages between hosts carry more than they cost; the buffer takes memory.
    private const long CopiedBytes = 1 << 20;
    private const long LargestBytes = 4 << 20;

    /// <summary>Up to this size only the first lane exchanges: one message between hosts for all.</summary>
    internal const long OneLaneBytes = 64 << 10;

    // Chunks whose exchange between hosts may be under way at the same time.
    private const int Depth = 2;

    // A rank that writes its place in the buffer again has met the others after they read it: with one place more than there are chunks under way that needs no meeting of its own.
    private const int Places = Depth + 1;

    // No slice begins where the buffer does, as a tensor begins there already.
    private const long BufferStart = 4096;

    private readonly ProcessGroupSharedMemory _local;
    private readonly ProcessGroup? _lane;
    private readonly HostLayout _layout;
    private readonly int _rank;
    private readonly TimeSpan _patience;
    private readonly Action _allArrived;
    private readonly Queue<Chunk> _underWay = new();
    private Tensor? _buffer;
    private long _chunks;

    /// <param name="local">The ranks of this host.</param>
    /// <param name="lane">The ranks with this rank's number on all hosts; null: it does not exchange with other hosts.</param>
    /// <param name="layout">Which ranks share a host.</param>
    /// <param name="rank">This process's number among all.</param>
    /// <param name="patience">How much longer than for each other the ranks of a host wait for one that waits for other hosts.</param>
    /// <param name="allArrived">Called when all ranks of all hosts have begun the operation.</param>
    public ChunkPipeline(ProcessGroupSharedMemory local, ProcessGroup? lane, HostLayout layout, int rank, TimeSpan patience, Action allArrived) =>
        (_local, _lane, _layout, _rank, _patience, _allArrived) = (local, lane, layout, rank, patience, allArrived);

    private int LocalRank => _local.Rank;

    /// <summary>Moves the data of all <paramref name="transfers"/>, one after the other. All ranks call it with as many, of the same kinds and sizes.</summary>
    /// <param name="operation">What this rank was asked for.</param>
    /// <param name="transfers">The data.</param>
    public void Run(Operation operation, params ReadOnlySpan<Transfer> transfers)
    {
        try
        {
            foreach (Transfer transfer in transfers)
            {
                long size = Operation.BytesOf(transfer.Type), most = (transfer.Place is null ? CopiedBytes : LargestBytes) / size, start = 0;
                bool isOnly = transfers.Length == 1 && transfer.Count <= most;
                do
                {
                    long count = Math.Min(most, transfer.Count - start);
                    Begin(operation, new Chunk(transfer, start, count, size, Lanes(count * size)), isOnly);
                    start += count;
                    if (_underWay.Count == Depth)
                    {
                        End(operation, _underWay.Dequeue());
                    }
                }
                while (start < transfer.Count);
            }

            while (_underWay.TryDequeue(out Chunk? chunk))
            {
                End(operation, chunk);
            }
        }
        finally
        {
            // After a failure. The group is broken, and what the lanes still do holds the memory that it needs.
            _underWay.Clear();
        }
    }

    /// <summary>Gives the buffer back.</summary>
    public void Dispose() => _buffer?.Dispose();

    private int Lanes(long bytes) => bytes <= OneLaneBytes ? 1 : _layout.Lanes;

    /// <summary>What happens inside the host before the exchange, and its start.</summary>
    /// <param name="operation">What this rank was asked for.</param>
    /// <param name="chunk">The chunk.</param>
    /// <param name="isOnly">Whether nothing follows that could be done during the exchange.</param>
    private void Begin(Operation operation, Chunk chunk, bool isOnly)
    {
        Transfer transfer = chunk.Transfer;
        chunk.Memory = transfer.Place is { } memory ? memory with { Offset = memory.Offset + chunk.ByteOffset } : NextPlace();
        byte* source = transfer.Source is null ? null : transfer.Source + chunk.ByteOffset;
        if (transfer.Kind == OperationKind.Broadcast)
        {
            int root = _layout.HostOf(transfer.Root) == _layout.HostOf(_rank) ? _layout.LocalRankOf(transfer.Root) : -1;
            _local.RunInside(operation, lanes => lanes.Place(operation, chunk.Memory, chunk.Slices, root, source));
        }
        else
        {
            if (!chunk.IsInPlace)
            {
                Buffer.MemoryCopy(source, chunk.Memory.At(LocalRank), chunk.Slices.Bytes, chunk.Slices.Bytes);
            }

            _local.RunInside(operation, lanes => lanes.Combine(operation, chunk.Memory, chunk.Slices, chunk.Inside(_layout.Size)));
        }

        if (_lane is not null && LocalRank < chunk.Slices.Lanes && chunk.Slices.Count(LocalRank) > 0)
        {
            using Tensor slice = chunk.IsInPlace
                ? transfer.Whole!.narrow(0, chunk.Start + chunk.Slices.Start(LocalRank), chunk.Slices.Count(LocalRank)).DetachFromDisposeScope()
                : chunk.Memory.Slice(LocalRank, chunk.Slices, transfer.Type);
            chunk.Exchange = Exchange(_lane, transfer, slice, isOnly);
        }

        _underWay.Enqueue(chunk);
    }

    /// <returns>What is under way; null: it is done.</returns>
    private Work? Exchange(ProcessGroup lane, Transfer transfer, Tensor slice, bool waits)
    {
        int host = _layout.HostOf(transfer.Root);

        // Division is not the lanes' business: they know only how many hosts there are.
        ReduceOp op = transfer.Op == ReduceOp.Average ? ReduceOp.Sum : transfer.Op;
        switch (transfer.Kind)
        {
            case OperationKind.Broadcast when waits:
                lane.Broadcast(slice, host);
                return null;
            case OperationKind.Broadcast:
                return lane.BroadcastAsync(slice, host);
            case OperationKind.Reduce when waits:
                lane.Reduce(slice, host, op);
                return null;
            case OperationKind.Reduce:
                return lane.ReduceAsync(slice, host, op);
            default:
                if (waits)
                {
                    lane.AllReduce(slice, op);
                    return null;
                }

                return lane.AllReduceAsync(slice, op);
        }
    }

    /// <summary>The end of the exchange, and what happens inside the host after it.</summary>
    private void End(Operation operation, Chunk chunk)
    {
        chunk.Exchange?.Wait();
        byte* target = chunk.Transfer.Target is null ? null : chunk.Transfer.Target + chunk.ByteOffset;
        LaneReduction after = chunk.Between(_layout.Size);
        _local.RunInside(operation, lanes =>
        {
            if (chunk.IsInPlace)
            {
                lanes.Share(operation, chunk.Memory, chunk.Slices, after, _patience);
            }
            else
            {
                lanes.Collect(operation, chunk.Memory, chunk.Slices, after, target, _patience);
            }
        });
        _allArrived();
    }

    private LaneMemory NextPlace()
    {
        _buffer ??= _local.AllocateBuffer(BufferStart + (Places * CopiedBytes), ScalarType.Byte);
        return _local.FindMemory(TensorMemory.Address(_buffer))!.Value with { Offset = BufferStart + (_chunks++ % Places * CopiedBytes) };
    }

    /// <summary>A part of a transfer.</summary>
    private sealed class Chunk(Transfer transfer, long start, long count, long elementSize, int lanes)
    {
        public Transfer Transfer => transfer;

        /// <summary>Its first element within the transfer.</summary>
        public long Start => start;

        public long ByteOffset => start * elementSize;

        public LaneSlices Slices { get; } = new(count, elementSize, lanes);

        public bool IsInPlace => transfer.Place is not null;

        public LaneMemory Memory { get; set; }

        /// <summary>The exchange between hosts; null: there is none, or it is done.</summary>
        public Work? Exchange { get; set; }

        private bool DividesInside => transfer.Type is ScalarType.Float16 or ScalarType.BFloat16;

        /// <summary>How it is combined inside a host.</summary>
        public LaneReduction Inside(int ranks) => new(transfer.Type, transfer.Op == ReduceOp.Average && !DividesInside ? ReduceOp.Sum : transfer.Op, ranks);

        /// <summary>What is done with it after the exchange. Half types have been divided in float32, before the hosts' sums could overflow.</summary>
        public LaneReduction Between(int ranks) => new(transfer.Type, transfer.Op == ReduceOp.Average && !DividesInside ? ReduceOp.Average : ReduceOp.Sum, ranks);
    }
}
