using System.Diagnostics;
using System.Globalization;
using System.Runtime.ExceptionServices;
using Convoy.Distributed.Errors;
using Convoy.Distributed.Rendezvous;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed;

/// <summary>
/// The processes of a job and the operations between them, named as PyTorch's <c>ProcessGroup</c>. Every rank calls the same
/// collective operations in the same order with tensors of the same size and type. Each has two forms: one returns when this
/// rank's result is there, the other (<c>...Async</c>) at once with a <see cref="Work"/> to wait for.
/// </summary>
/// <remarks>
/// The operations of a group run one after the other in the order called, those of two groups at the same time. The result is
/// bitwise the same on all ranks and from run to run. After an operation failed, the ranks no longer agree where they are: the
/// group is broken, and each later operation throws the first error again.
/// </remarks>
public abstract partial class ProcessGroup : IDisposable
{
    private readonly OperationQueue _collectives;
    private readonly Lock _observing = new();
    private IOperationObserver[] _observers = [];
    private ExceptionDispatchInfo? _failure;
    private Work? _current;
    private long _collectiveCount;
    private long _messageCount;
    private long _completed;
    private int _groups;
    private int _disposing;
    private int _disposed;

    /// <param name="rank">This process's number.</param>
    /// <param name="size">How many processes take part.</param>
    /// <param name="timeout">How long an operation waits for the other ranks.</param>
    /// <param name="name">What to call the group in messages.</param>
    protected ProcessGroup(int rank, int size, TimeSpan timeout, string name = "default")
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, size);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero);
        ArgumentException.ThrowIfNullOrEmpty(name);
        Rank = rank;
        Size = size;
        Timeout = timeout;
        Name = name;
        _collectives = new OperationQueue($"convoy {name}", Execute);
        _messages = new MessageQueues(name, Execute);
    }

    /// <summary>The time-out unless another is given: 30 minutes, as in PyTorch. A rank whose process has ended is noticed within seconds.</summary>
    public static TimeSpan DefaultTimeout => TimeSpan.FromMinutes(30);

    /// <summary>This process's number, from 0 to <see cref="Size"/> - 1.</summary>
    public int Rank { get; }

    /// <summary>How many processes take part.</summary>
    public int Size { get; }

    /// <summary>How long an operation waits for the other ranks before it fails.</summary>
    public TimeSpan Timeout { get; }

    /// <summary>What the group is called in messages: <c>default</c>, and <c>default/1</c> for the first group made from it.</summary>
    public string Name { get; }

    /// <summary>
    /// The store in which the ranks met, under this group's name where it was made from another. It belongs to the group; null
    /// unless <see cref="ProcessGroups.FromEnvironment"/> made the group and it has several ranks.
    /// </summary>
    public Store? Store { get; internal set; }

    /// <summary>Who is told of the group's operations; see <see cref="Observe"/>.</summary>
    public IReadOnlyList<IOperationObserver> Observers => _observers;

    /// <summary>Told when all ranks have begun a collective operation: by a group to the one that is wrapped around it.</summary>
    internal Action? WhenAllArrived { get; set; }

    /// <summary>The ranks that have not begun the present collective operation.</summary>
    internal IReadOnlyList<int> PresentlyMissingRanks => MissingRanks();

    /// <summary>The device whose tensors this group takes.</summary>
    internal DeviceType TensorDevice => Device;

    /// <summary>How many operations this rank has done without an error, messages included.</summary>
    protected long CompletedOperations => Interlocked.Read(ref _completed);

    /// <summary>Whether the group is being disposed. A backend that waits looks at it several times a second and gives up.</summary>
    protected bool IsDisposing => Volatile.Read(ref _disposing) != 0;

    /// <summary>
    /// Makes a group of some of this group's ranks, which works at the same time as this one and as all others. All ranks of this
    /// group call it in the same order with the same ranks, also those that do not belong to the new group.
    /// </summary>
    /// <param name="ranks">Ranks of this group, each at most once. Their order gives the ranks in the new group.</param>
    /// <returns>The new group; null on a rank that does not belong to it. It is the caller's to dispose.</returns>
    /// <exception cref="ArgumentException">There are no ranks, one of them is given twice, or this group has no such rank.</exception>
    /// <exception cref="DistributedException">A rank ended, did not come in time, or called something else.</exception>
    public ProcessGroup? NewGroup(IReadOnlyList<int> ranks)
    {
        ArgumentNullException.ThrowIfNull(ranks);
        int[] members = [.. ranks];
        if (members.Length == 0 || members.Distinct().Count() != members.Length || members.Any(rank => rank < 0 || rank >= Size))
        {
            throw new ArgumentException(FormattableString.Invariant(
                $"a group of the ranks {string.Join(", ", members)} cannot be made. Name at least one rank, each from 0 to {Size - 1} and only once."), nameof(ranks));
        }

        string name = string.Create(CultureInfo.InvariantCulture, $"{Name}/{++_groups}");
        ProcessGroup? made = null;
        Run(new Operation(OperationKind.NewGroup, ScalarType.Int64, [members.Length]), () => made = NewGroupCore(members, name));
        if (made is not null)
        {
            made._observers = _observers;
            made.Store = Store is null ? null : new PrefixStore(name, Store);
        }

        return made;
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
        Tensor? buffer = null;
        Run(new Operation(OperationKind.AllocateBuffer, dtype, [count]), () => buffer = AllocateBufferCore(count, dtype));
        return buffer!;
    }

    /// <summary>
    /// Makes a tensor of zeros that is the same memory on all ranks: what one rank writes, all have, and nothing orders their
    /// reading and writing but the operations of the group. All ranks call it together with the same arguments. The memory stays valid for as long as a
    /// tensor uses it, also after the group is disposed.
    /// </summary>
    /// <param name="count">The number of elements, at least 1.</param>
    /// <param name="dtype">The element type.</param>
    /// <returns>A one-dimensional contiguous tensor that belongs to the caller and to no dispose scope; null on all ranks: this group's ranks have no common memory.</returns>
    /// <exception cref="DistributedException">There is not enough shared memory, or a rank failed.</exception>
    public Tensor? AllocateShared(long count, ScalarType dtype)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        Tensor? shared = null;
        Run(new Operation(OperationKind.AllocateShared, dtype, [count]), () => shared = AllocateSharedCore(count, dtype));
        return shared;
    }

    /// <summary>
    /// Throws the error of an earlier operation that failed, if any. An operation inside backward cannot throw through libtorch,
    /// so whoever runs backward asks here.
    /// </summary>
    /// <exception cref="DistributedException">An earlier operation failed.</exception>
    public void RequireIntact() => _failure?.Throw();

    /// <summary>
    /// Has <paramref name="observer"/> told of each operation until the result is disposed, and of those of the groups that are
    /// made from this one meanwhile for as long as they live.
    /// </summary>
    public IDisposable Observe(IOperationObserver observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        lock (_observing)
        {
            _observers = [.. _observers, observer];
        }

        return new Observation(this, observer);
    }

    /// <summary>Leaves the group. Operations that have not begun fail, and ranks that still wait for this one fail at once.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            BeginDispose();
            _collectives.Dispose();
            _messages.Dispose();
            Dispose(true);
            GC.SuppressFinalize(this);
        }
    }

    /// <summary>The error that a rank has left the group, in order or after a failure that it noted, for this rank, which waits for it in <paramref name="operation"/>; null: it has not, or the backend cannot tell.</summary>
    internal virtual DistributedException? Departure(int rank, string operation) => null;

    /// <summary>Says that the group is being disposed; also to a group within this one, whose operation this one may wait for.</summary>
    internal virtual void BeginDispose() => Volatile.Write(ref _disposing, 1);

    /// <summary>Breaks the group, unless it is broken, for an error that keeps this rank from taking part in what the others do: each later operation throws it.</summary>
    internal void Break(Exception error)
    {
        if (Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(error), null) is null)
        {
            OnFailed(error);
        }
    }

    /// <summary>Frees what the backend holds; no operation runs any more.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }

    /// <summary>Says that all ranks have begun the present collective operation, so that waiting and exchanging can be told apart. A backend calls it once in each.</summary>
    protected void ReportAllArrived()
    {
        _current?.AllArrived(Stopwatch.GetTimestamp());
        WhenAllArrived?.Invoke();
    }

    /// <summary>Called once, when the first operation fails on this rank: it takes part no longer. A backend lets the ranks that wait for it know.</summary>
    protected virtual void OnFailed(Exception error)
    {
    }

    /// <summary>The ranks that have not begun the present collective operation, as far as the backend knows.</summary>
    protected virtual IReadOnlyList<int> MissingRanks() => [];

    /// <summary>The backend's <see cref="NewGroup"/>; the arguments are checked.</summary>
    /// <param name="ranks">The members.</param>
    /// <param name="name">The new group's name, the same on all ranks and not used before.</param>
    protected abstract ProcessGroup? NewGroupCore(IReadOnlyList<int> ranks, string name);

    /// <summary>The backend's <see cref="AllocateBuffer"/>; ordinary memory unless the backend has better.</summary>
    protected virtual Tensor AllocateBufferCore(long count, ScalarType dtype) => zeros([count], dtype).DetachFromDisposeScope();

    /// <summary>The backend's <see cref="AllocateShared"/>; null unless the ranks can share memory.</summary>
    protected virtual Tensor? AllocateSharedCore(long count, ScalarType dtype) => null;

    private void Run(Operation operation, Action body) => _collectives.Run(new Work(operation, Name, body, [], MissingRanks));

    // The caller may dispose its tensors before the operation runs: aliases keep their memory.
    private Work Start(Operation operation, IReadOnlyList<Tensor> tensors, Action<IReadOnlyList<Tensor>> body)
    {
        Tensor[] held = [.. tensors.Select(tensor => tensor.detach().DetachFromDisposeScope())];
        var work = new Work(operation, Name, () => body(held), held, MissingRanks);
        _collectives.Enqueue(work);
        return work;
    }

    private void Execute(Work work)
    {
        bool collective = work.Operation.Kind is not (OperationKind.Send or OperationKind.Receive);
        // Counted apart: all ranks give a collective operation the same number, whatever messages some of them exchange.
        work.Begin(collective ? Interlocked.Increment(ref _collectiveCount) : Interlocked.Increment(ref _messageCount));
        if (collective)
        {
            _current = work;
            if (Size == 1)
            {
                work.AllArrived(work.StartedTimestamp);
            }
        }

        IOperationObserver[] observers = _observers;
        foreach (IOperationObserver observer in observers)
        {
            observer.Started(work);
        }

        Exception? error = null;
        try
        {
            _failure?.Throw();
            work.Execute();
            Interlocked.Increment(ref _completed);
        }
        catch (Exception thrown)
        {
            error = thrown;
            Break(thrown);
        }

        // Observers first: a caller that gets an error may end the process, and what they write must be there by then.
        work.Conclude(error);
        try
        {
            foreach (IOperationObserver observer in observers)
            {
                observer.Finished(work);
            }
        }
        finally
        {
            work.Complete();
        }
    }

    private sealed class Observation(ProcessGroup group, IOperationObserver observer) : IDisposable
    {
        public void Dispose()
        {
            lock (group._observing)
            {
                group._observers = [.. group._observers.Where(other => !ReferenceEquals(other, observer))];
            }
        }
    }
}
