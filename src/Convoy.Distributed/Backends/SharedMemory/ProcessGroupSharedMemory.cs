using System.Text;
using Convoy.Distributed.Errors;
using Convoy.Distributed.Interop;
using Convoy.Distributed.Rendezvous;
using static TorchSharp.torch;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>
/// The group of processes on one machine, which talk through memory that all of them map: each rank combines its part of all
/// ranks' buffers and writes the result to all of them.
/// </summary>
/// <remarks>
/// The memory is a file in /dev/shm (elsewhere in the folder for temporary files) with mode 0600 and a random name, which is
/// removed before the constructor returns, so nothing stays behind however the processes end.
/// </remarks>
public sealed unsafe class ProcessGroupSharedMemory : ProcessGroup
{
    // Tensors outside of the shared buffers travel in pieces of this size, which stay in the cache on their way.
    private const long ScratchBytes = 1 << 20;

    private readonly Store _store;
    private readonly bool _ownsStore;
    private readonly SharedMemorySegment _segment;
    private readonly ControlBlock _control;
    private readonly SharedMemoryBarrier _barrier;
    private readonly List<SharedBuffer> _buffers = [];
    private ulong _calls;
    private bool _disposed;

    /// <summary>Joins the group; returns when all ranks have.</summary>
    /// <param name="store">The job's store.</param>
    /// <param name="rank">This process's number.</param>
    /// <param name="size">How many processes take part, at most 1024, all on this machine.</param>
    /// <param name="timeout">How long to wait for the others, now and in each operation; null: <see cref="ProcessGroup.DefaultTimeout"/>.</param>
    /// <param name="ownsStore">Whether <see cref="ProcessGroup.Dispose()"/> closes the store.</param>
    /// <param name="name">What to call the group in messages.</param>
    /// <exception cref="StoreTimeoutException">Some ranks did not come; the message names them.</exception>
    /// <exception cref="SharedMemoryException">There is not enough shared memory, or the ranks cannot open the same file.</exception>
    public ProcessGroupSharedMemory(Store store, int rank, int size, TimeSpan? timeout = null, bool ownsStore = false, string name = "default")
        : base(rank, size, timeout ?? DefaultTimeout, name)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, ControlBlock.MaximumRanks);
        _store = store;
        _segment = SharedMemoryRendezvous.Join(store, rank, size, ControlBlock.ScratchOffset(size) + (size * ScratchBytes), Timeout);
        _control = new ControlBlock(_segment.Start);
        IWordWaiter waiter = FutexWaiter.IsSupported ? new FutexWaiter() : new PollingWaiter();
        _barrier = new SharedMemoryBarrier(_control, waiter, rank, size, Timeout);
        try
        {
            ProcessIdentity self = ProcessIdentity.Current;
            _control.Slot(rank)->ProcessId = self.ProcessId;
            _control.Slot(rank)->ProcessStart = self.Start;
            _barrier.Wait("joining the process group");
            _barrier.WatchPeers();
        }
        catch
        {
            _segment.Dispose();
            throw;
        }

        // Last, as a failed constructor leaves the store to the caller.
        _ownsStore = ownsStore;
    }

    /// <inheritdoc/>
    public override Store Store => _store;

    /// <inheritdoc/>
    protected override void AllReduceCore(Tensor tensor, ReduceOp op)
    {
        long count = tensor.numel();
        bool contiguous = tensor.is_contiguous();
        SharedBuffer? buffer = null;
        long offset = contiguous && count > 0 ? FindBuffer(TensorMemory.Address(tensor), out buffer) : -1;
        var call = new CollectiveCall(OperationKind.AllReduce, (int)op, (int)tensor.dtype, count, offset);
        if (buffer is not null)
        {
            Announce(call);
            Reduce(buffer.Region(0) + offset, buffer.Region(1) - buffer.Region(0), count, tensor.dtype, op, tensor.element_size());
            _barrier.Wait("AllReduce");
            return;
        }

        Staged(call, tensor, writes: true, reads: true, static (group, piece, state) =>
        {
            var (dtype, op, elementSize) = state;
            group.Reduce(group.Scratch(0), ScratchBytes, piece.Bytes / elementSize, dtype, op, elementSize);
            group._barrier.Wait("AllReduce");
            Copy(group.Scratch(group.Rank), piece.Memory, piece.Bytes);
        }, (tensor.dtype, op, tensor.element_size()));
    }

    /// <inheritdoc/>
    protected override void BroadcastCore(Tensor tensor, int root)
    {
        var call = new CollectiveCall(OperationKind.Broadcast, root, (int)tensor.dtype, tensor.numel(), -1);
        Staged(call, tensor, writes: Rank == root, reads: Rank != root, static (group, piece, root) =>
        {
            if (group.Rank != root)
            {
                Copy(group.Scratch(root), piece.Memory, piece.Bytes);
            }

            group._barrier.Wait("Broadcast");
        }, root);
    }

    /// <inheritdoc/>
    protected override void AllGatherCore(IReadOnlyList<Tensor> outputs, Tensor input)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        Tensor[] dense = [.. outputs.Select(output => output.is_contiguous() ? output : output.contiguous())];
        var call = new CollectiveCall(OperationKind.AllGather, 0, (int)input.dtype, input.numel(), -1);
        Staged(call, input, writes: true, reads: false, static (group, piece, dense) =>
        {
            for (int rank = 0; rank < group.Size; rank++)
            {
                Copy(group.Scratch(rank), TensorMemory.Address(dense[rank]) + piece.Offset, piece.Bytes);
            }

            group._barrier.Wait("AllGather");
        }, dense);
        for (int rank = 0; rank < Size; rank++)
        {
            if (!ReferenceEquals(dense[rank], outputs[rank]))
            {
                outputs[rank].copy_(dense[rank]);
            }
        }
    }

    protected override void ReduceCore(Tensor tensor, int root, ReduceOp op) => throw new NotSupportedException();

    protected override void GatherCore(IReadOnlyList<Tensor> outputs, Tensor input, int root) => throw new NotSupportedException();

    protected override void ScatterCore(Tensor output, IReadOnlyList<Tensor> inputs, int root) => throw new NotSupportedException();

    protected override void ReduceScatterCore(Tensor output, IReadOnlyList<Tensor> inputs, ReduceOp op) => throw new NotSupportedException();

    protected override void AllToAllCore(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> inputs) => throw new NotSupportedException();

    protected override void SendCore(Tensor tensor, int destination, int tag) => throw new NotSupportedException();

    protected override void ReceiveCore(Tensor tensor, int source, int tag) => throw new NotSupportedException();

    protected override ProcessGroup? NewGroupCore(IReadOnlyList<int> ranks, string name)
    {
        int rank = ranks.ToList().IndexOf(Rank);
        return rank < 0 ? null : new ProcessGroupSharedMemory(new PrefixStore(name, _store), rank, ranks.Count, Timeout, ownsStore: false, name);
    }

    /// <inheritdoc/>
    protected override void BarrierCore() => Announce(new CollectiveCall(OperationKind.Barrier, 0, 0, 0, -1));

    /// <inheritdoc/>
    protected override Tensor AllocateBufferCore(long count, ScalarType dtype)
    {
        long bytes;
        using (Tensor one = empty([1], dtype))
        {
            bytes = SharedBuffer.SegmentBytes(checked(count * one.element_size()), Size);
        }

        Announce(new CollectiveCall(OperationKind.AllocateBuffer, 0, (int)dtype, count, -1));
        SharedMemorySegment segment = Rank == 0 ? CreateForAll(bytes) : OpenFromRankZero(bytes);
        try
        {
            _barrier.Wait("AllocateBuffer");
        }
        catch
        {
            segment.Dispose();
            throw;
        }
        finally
        {
            if (Rank == 0)
            {
                segment.Unlink();
            }
        }

        var buffer = new SharedBuffer(segment, Rank, Size);
        segment.AddUser();
        Tensor tensor = TensorMemory.Wrap(buffer.Region(Rank), count, dtype, segment.Release);
        _buffers.Add(buffer);
        return tensor.DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (!_disposed)
        {
            _disposed = true;
            Volatile.Write(ref _control.Slot(Rank)->Left, 1);
            foreach (SharedBuffer buffer in _buffers)
            {
                buffer.Segment.Dispose();
            }

            _segment.Dispose();
            if (_ownsStore)
            {
                _store.Dispose();
            }
        }

        base.Dispose(disposing);
    }

    private static void Copy(byte* from, byte* to, long bytes) => Buffer.MemoryCopy(from, to, bytes, bytes);

    private byte* Scratch(int rank) => _segment.Start + ControlBlock.ScratchOffset(Size) + (rank * ScratchBytes);

    /// <summary>Waits for all ranks and makes sure that they call the same.</summary>
    private void Announce(CollectiveCall call)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        bool even = (_calls++ & 1) == 0;
        *Call(Rank, even) = call;
        _barrier.Wait(call.Kind.ToString());
        ReportAllArrived();
        for (int rank = 0; rank < Size; rank++)
        {
            if (*Call(rank, even) != call)
            {
                throw new CollectiveMismatchException(FormattableString.Invariant(
                    $"rank {Rank} called {call} while rank {rank} called {*Call(rank, even)}. Every rank must call the same operations in the same order, with tensors of the same size and type."));
            }
        }
    }

    private CollectiveCall* Call(int rank, bool even) => even ? &_control.Slot(rank)->EvenCall : &_control.Slot(rank)->OddCall;

    private long FindBuffer(byte* address, out SharedBuffer? found)
    {
        foreach (SharedBuffer buffer in _buffers)
        {
            long offset = buffer.OffsetOf(address);
            if (offset >= 0)
            {
                found = buffer;
                return offset;
            }
        }

        found = null;
        return -1;
    }

    /// <summary>Combines this rank's part of all ranks' ranges, of which rank 0's starts at <paramref name="first"/>.</summary>
    private void Reduce(byte* first, long stride, long count, ScalarType dtype, ReduceOp op, long elementSize)
    {
        // Parts start at whole cache lines (of the range), so that no two ranks write the same line.
        long perLine = 128 / elementSize;
        long part = (((count + Size - 1) / Size) + perLine - 1) / perLine * perLine;
        long start = Math.Min(count, Rank * part), end = Math.Min(count, start + part);
        byte** buffers = stackalloc byte*[Size];
        for (int rank = 0; rank < Size; rank++)
        {
            buffers[rank] = first + (rank * stride) + (start * elementSize);
        }

        Reduction.Run(buffers, Size, end - start, dtype, op);
    }

    /// <summary>
    /// Passes a tensor through the scratch areas piece by piece: copies this rank's piece in (when it <paramref name="writes"/>),
    /// waits for all, and runs <paramref name="exchange"/>, which ends when the scratch areas may be written again.
    /// </summary>
    private void Staged<TState>(CollectiveCall call, Tensor tensor, bool writes, bool reads, Action<ProcessGroupSharedMemory, Piece, TState> exchange, TState state)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        Tensor dense = tensor.is_contiguous() ? tensor : tensor.contiguous();
        byte* memory = TensorMemory.Address(dense);
        long bytes = dense.numel() * dense.element_size();
        Announce(call);
        for (long offset = 0; offset < bytes; offset += ScratchBytes)
        {
            var piece = new Piece(memory + offset, offset, Math.Min(ScratchBytes, bytes - offset));
            if (writes)
            {
                Copy(piece.Memory, Scratch(Rank), piece.Bytes);
            }

            _barrier.Wait(call.Kind.ToString());
            exchange(this, piece, state);
        }

        if (reads && !ReferenceEquals(dense, tensor))
        {
            tensor.copy_(dense);
        }
    }

    private SharedMemorySegment CreateForAll(long bytes)
    {
        SharedMemorySegment? segment = null;
        SharedMemoryException? failure = null;
        try
        {
            segment = SharedMemorySegment.Create(bytes);
        }
        catch (SharedMemoryException error)
        {
            failure = error;
        }

        // The others wait for the name: they must hear of a failure, too.
        WriteText(segment is null ? "!" + failure!.Message : segment.Path);
        try
        {
            _barrier.Wait("AllocateBuffer");
        }
        catch
        {
            segment?.Unlink();
            segment?.Dispose();
            throw;
        }

        return segment ?? throw failure!;
    }

    private SharedMemorySegment OpenFromRankZero(long bytes)
    {
        _barrier.Wait("AllocateBuffer");
        string path = ReadText();
        return path.StartsWith('!') ? throw new SharedMemoryException("rank 0: " + path[1..]) : SharedMemorySegment.Open(path, bytes);
    }

    private void WriteText(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        *(int*)Scratch(0) = bytes.Length;
        bytes.CopyTo(new Span<byte>(Scratch(0) + sizeof(int), bytes.Length));
    }

    private string ReadText() => Encoding.UTF8.GetString(Scratch(0) + sizeof(int), *(int*)Scratch(0));

    /// <summary>A part of a tensor that fits the scratch area.</summary>
    private readonly record struct Piece(nint Start, long Offset, long Bytes)
    {
        public Piece(byte* memory, long offset, long bytes)
            : this((nint)memory, offset, bytes)
        {
        }

        public byte* Memory => (byte*)Start;
    }
}
