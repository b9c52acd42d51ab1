using System.Runtime.ExceptionServices;
using Convoy.Distributed.Backends.SharedMemory;
using Convoy.Distributed.Backends.Single;
using Convoy.Distributed.Errors;
using Convoy.Distributed.Rendezvous;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed;

/// <summary>
/// The processes of a job and the collective operations between them, named as PyTorch's <c>ProcessGroup</c>. Every rank calls
/// the same operations in the same order with tensors of the same size and type. Operations return when this rank's result is
/// there. One thread at a time may call a group.
/// </summary>
/// <remarks>
/// The result of every operation is bitwise the same on all ranks and from run to run. After an operation failed, the ranks no
/// longer agree where they are: the group is broken, and each later operation throws the first error again.
/// </remarks>
public abstract class ProcessGroup : IDisposable
{
    private ExceptionDispatchInfo? _failure;

    /// <param name="rank">This process's number.</param>
    /// <param name="size">How many processes take part.</param>
    /// <param name="timeout">How long an operation waits for the other ranks.</param>
    protected ProcessGroup(int rank, int size, TimeSpan timeout)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, size);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero);
        Rank = rank;
        Size = size;
        Timeout = timeout;
    }

    /// <summary>The time-out unless another is given: 30 minutes, as in PyTorch. A rank whose process has ended is noticed within seconds.</summary>
    public static TimeSpan DefaultTimeout => TimeSpan.FromMinutes(30);

    /// <summary>This process's number, from 0 to <see cref="Size"/> - 1.</summary>
    public int Rank { get; }

    /// <summary>How many processes take part.</summary>
    public int Size { get; }

    /// <summary>How long an operation waits for the other ranks before it fails.</summary>
    public TimeSpan Timeout { get; }

    /// <summary>
    /// Joins the group that torchrun's environment variables describe: <see cref="ProcessGroupSingle"/> when there is one
    /// process or nothing is set, otherwise <see cref="ProcessGroupSharedMemory"/>. Returns when all ranks have joined.
    /// </summary>
    /// <param name="timeout">How long to wait for the other ranks, now and in each operation; null: <see cref="DefaultTimeout"/>.</param>
    /// <exception cref="RendezvousException">A variable is wrong, or the store cannot be reached.</exception>
    /// <exception cref="DistributedException">Some ranks did not come, or they cannot share memory.</exception>
    public static ProcessGroup FromEnvironment(TimeSpan? timeout = null)
    {
        RankEnvironment environment = RankEnvironment.Read();
        if (environment.WorldSize == 1)
        {
            return new ProcessGroupSingle();
        }

        if (environment.LocalWorldSize != environment.WorldSize)
        {
            throw new RendezvousException(FormattableString.Invariant(
                $"the ranks are spread over several machines ({environment.LocalWorldSize} of {environment.WorldSize} here), which shared memory cannot join. Start all ranks on one machine."));
        }

        TimeSpan limit = timeout ?? DefaultTimeout;
        Store store = environment.ConnectStore(limit);
        try
        {
            return new ProcessGroupSharedMemory(store, environment.Rank, environment.WorldSize, limit, ownsStore: true);
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>Replaces <paramref name="tensor"/> on every rank by all ranks' tensors combined, element by element.</summary>
    /// <param name="tensor">float32, float64, int64, int32, uint8, or bool (Min: all, Max: any); any shape and strides, also empty.</param>
    /// <param name="op">How to combine.</param>
    /// <exception cref="ArgumentException">The tensor's type does not go with <paramref name="op"/>, or it is not on the CPU.</exception>
    /// <exception cref="DistributedException">A rank ended, did not come in time, or called something else.</exception>
    public void AllReduce(Tensor tensor, ReduceOp op = ReduceOp.Sum)
    {
        RequireUsable(tensor);
        RequireReducible(tensor.dtype, op);
        try
        {
            AllReduceCore(tensor, op);
        }
        catch (DistributedException error)
        {
            _failure ??= ExceptionDispatchInfo.Capture(error);
            throw;
        }
    }

    /// <summary>Copies <paramref name="tensor"/> of rank <paramref name="root"/> into those of all other ranks.</summary>
    /// <param name="tensor">Any element type, shape and strides.</param>
    /// <param name="root">The rank whose values all get.</param>
    /// <exception cref="DistributedException">A rank ended, did not come in time, or called something else.</exception>
    public void Broadcast(Tensor tensor, int root)
    {
        RequireUsable(tensor);
        ArgumentOutOfRangeException.ThrowIfNegative(root);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(root, Size);
        try
        {
            BroadcastCore(tensor, root);
        }
        catch (DistributedException error)
        {
            _failure ??= ExceptionDispatchInfo.Capture(error);
            throw;
        }
    }

    /// <summary>Gathers every rank's <paramref name="input"/> on every rank.</summary>
    /// <param name="outputs"><see cref="Size"/> tensors, each with the input's type and number of elements; output r gets rank r's input.</param>
    /// <param name="input">Any element type, shape and strides.</param>
    /// <exception cref="ArgumentException">The outputs do not fit the input.</exception>
    /// <exception cref="DistributedException">A rank ended, did not come in time, or called something else.</exception>
    public void AllGather(IReadOnlyList<Tensor> outputs, Tensor input)
    {
        RequireUsable(input);
        ArgumentNullException.ThrowIfNull(outputs);
        if (outputs.Count != Size || outputs.Any(o => o.dtype != input.dtype || o.numel() != input.numel() || o.device_type != DeviceType.CPU))
        {
            throw new ArgumentException(FormattableString.Invariant(
                $"AllGather needs {Size} output tensors on the CPU, each with the input's type ({input.dtype}) and number of elements ({input.numel()})."), nameof(outputs));
        }

        try
        {
            AllGatherCore(outputs, input);
        }
        catch (DistributedException error)
        {
            _failure ??= ExceptionDispatchInfo.Capture(error);
            throw;
        }
    }

    /// <summary>Returns when all ranks have called it.</summary>
    /// <exception cref="DistributedException">A rank ended, did not come in time, or called something else.</exception>
    public void Barrier()
    {
        _failure?.Throw();
        try
        {
            BarrierCore();
        }
        catch (DistributedException error)
        {
            _failure ??= ExceptionDispatchInfo.Capture(error);
            throw;
        }
    }

    /// <summary>
    /// Makes a tensor of zeros in memory that suits this group best: with shared memory, <see cref="AllReduce"/> on it or on a
    /// contiguous part of it copies nothing. All ranks call it together with the same arguments. The memory stays valid for as
    /// long as a tensor uses it, also after the group is disposed.
    /// </summary>
    /// <param name="count">The number of elements, at least 1.</param>
    /// <param name="dtype">The element type.</param>
    /// <returns>A one-dimensional contiguous tensor that belongs to the caller and to no dispose scope.</returns>
    /// <exception cref="DistributedException">There is not enough shared memory, or a rank failed.</exception>
    public Tensor AllocateBuffer(long count, ScalarType dtype)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        _failure?.Throw();
        try
        {
            return AllocateBufferCore(count, dtype);
        }
        catch (DistributedException error)
        {
            _failure ??= ExceptionDispatchInfo.Capture(error);
            throw;
        }
    }

    /// <summary>
    /// Throws the error of an earlier operation that failed, if any. An operation inside backward cannot throw through libtorch,
    /// so whoever runs backward asks here.
    /// </summary>
    /// <exception cref="DistributedException">An earlier operation failed.</exception>
    public void RequireIntact() => _failure?.Throw();

    /// <summary>Leaves the group. Ranks that still wait for this one fail at once.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees what the backend holds.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }

    /// <summary>The backend's <see cref="AllReduce"/>; the arguments are checked.</summary>
    protected abstract void AllReduceCore(Tensor tensor, ReduceOp op);

    /// <summary>The backend's <see cref="Broadcast"/>; the arguments are checked.</summary>
    protected abstract void BroadcastCore(Tensor tensor, int root);

    /// <summary>The backend's <see cref="AllGather"/>; the arguments are checked.</summary>
    protected abstract void AllGatherCore(IReadOnlyList<Tensor> outputs, Tensor input);

    /// <summary>The backend's <see cref="Barrier"/>.</summary>
    protected abstract void BarrierCore();

    /// <summary>The backend's <see cref="AllocateBuffer"/>; ordinary memory unless the backend has better.</summary>
    protected virtual Tensor AllocateBufferCore(long count, ScalarType dtype) => zeros([count], dtype).DetachFromDisposeScope();

    private static void RequireReducible(ScalarType dtype, ReduceOp op)
    {
        bool reducible = dtype switch
        {
            ScalarType.Float32 or ScalarType.Float64 => true,
            ScalarType.Int64 or ScalarType.Int32 or ScalarType.Byte => op != ReduceOp.Average,
            ScalarType.Bool => op is ReduceOp.Min or ReduceOp.Max,
            _ => false,
        };
        if (!reducible)
        {
            throw new ArgumentException($"AllReduce cannot take the {op} of {dtype} tensors. Convert the tensor to float32, float64, int64 or int32 (Average: a floating-point type) first.");
        }
    }

    private void RequireUsable(Tensor tensor)
    {
        _failure?.Throw();
        ArgumentNullException.ThrowIfNull(tensor);
        if (tensor.device_type != DeviceType.CPU)
        {
            throw new ArgumentException($"the tensor is on {tensor.device_type}, this process group works on the CPU. Move it there first.", nameof(tensor));
        }
    }
}
