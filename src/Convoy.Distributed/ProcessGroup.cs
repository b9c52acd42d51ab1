using System.Globalization;
using System.Runtime.ExceptionServices;
using static TorchSharp.torch;

namespace Convoy.Distributed;

/// <summary>
/// The processes of a job and the operations between them, named as PyTorch's <c>ProcessGroup</c>. Every rank calls the same
/// collective operations in the same order with tensors of the same size and type. Each has two forms: one returns when this
/// rank's result is there, the other (<c>...Async</c>) at once with a <see cref="Work"/> to wait for. This class checks, orders and
/// observes the calls; a backend implements them.
/// </summary>
/// <remarks>
/// The operations of a group begin in the order called and, unless the backend overlaps them, run one after the other; those of two groups run at the same time. The result is
/// bitwise the same on all ranks and from run to run. After an operation has failed, the ranks no longer agree on where they are: the
/// group is broken, and each later operation throws the first error again.
/// </remarks>
public abstract partial class ProcessGroup : IDisposable
{
    private readonly OperationQueue _collectives;
    private readonly MessageQueues _messages;
    private readonly HashSet<BackendWork> _pending = [];
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

    /// <summary>The timeout unless another is given: 30 minutes, as in PyTorch. A rank whose process has ended is noticed within seconds.</summary>
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

    /// <summary>The observers of the group's operations; see <see cref="Observe"/>.</summary>
    public IReadOnlyList<IOperationObserver> Observers => _observers;

    /// <summary>
    /// Makes a group of some of this group's ranks, which works at the same time as this one and as all others. All ranks of this
    /// group call it in the same order with the same ranks, also those that do not belong to the new group.
    /// </summary>
    /// <param name="ranks">Ranks of this group, each at most once. Their order gives the ranks in the new group.</param>
    /// <returns>The new group; null on a rank that does not belong to it. It is the caller's to dispose.</returns>
    /// <exception cref="ArgumentException">There are no ranks, one of them is given twice, or this group has no such rank.</exception>
    /// <exception cref="DistributedException">A rank ended, did not arrive in time, or called something else.</exception>
    public ProcessGroup? NewGroup(IReadOnlyList<int> ranks)
    {
        ArgumentNullException.ThrowIfNull(ranks);
        int[] members = [.. ranks];
        if (members.Length == 0 || members.Distinct().Count() != members.Length || members.Any(rank => rank < 0 || rank >= Size))
        {
            throw new ArgumentException(FormattableString.Invariant(
                $"cannot make a group of the ranks {string.Join(", ", members)}. Give at least one rank, each from 0 to {Size - 1} and only once."), nameof(ranks));
        }

        string name = string.Create(CultureInfo.InvariantCulture, $"{Name}/{++_groups}");
        ProcessGroup? made = NewPart(members, name);
        if (made is not null)
        {
            made._observers = _observers;
            (made._localRank, made._localSize) = (_localRank, _localSize);
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
    /// Notifies <paramref name="observer"/> of each operation until the result is disposed, and of those of the groups that are
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
            AbandonPending();
            Dispose(true);
            GC.SuppressFinalize(this);
        }
    }

    /// <summary>Breaks the group, unless it is broken, for an error that keeps this rank from taking part in what the others do: each later operation throws it.</summary>
    internal void Break(Exception error)
    {
        if (Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(error), null) is null)
        {
            OnFailed(error);
        }
    }

    /// <summary>As <see cref="NewGroup"/>, for a group that works within another one: no observers, no store, and a name of the caller's.</summary>
    internal ProcessGroup? NewPart(IReadOnlyList<int> ranks, string name)
    {
        ProcessGroup? made = null;
        Run(new Operation(OperationKind.NewGroup, Ranks: ranks), () => made = NewGroupCore(ranks, name));
        return made;
    }

    private void Run(Operation operation, Func<BackendWork?> start) => _collectives.Run(new Work(operation, Name, start, [], MissingRanks));

    /// <summary>Runs an operation that no method of this class stands for, in its turn.</summary>
    private protected void Run(Operation operation, Action body) => Run(operation, () =>
    {
        body();
        return null;
    });

    // The caller may dispose its tensors before the operation runs: aliases keep their memory.
    private Work Start(Operation operation, IReadOnlyList<Tensor> tensors, Func<IReadOnlyList<Tensor>, BackendWork?> start)
    {
        Tensor[] held = [.. tensors.Select(tensor => tensor.detach().DetachFromDisposeScope())];
        var work = new Work(operation, Name, () => start(held), held, MissingRanks);
        _collectives.Enqueue(work);
        return work;
    }

    private void Execute(Work work)
    {
        bool isMessage = work.Operation.IsMessage;

        // Counted apart: all ranks give a collective operation the same number, whatever messages some of them exchange.
        work.Begin(isMessage ? Interlocked.Increment(ref _messageCount) : Interlocked.Increment(ref _collectiveCount));
        if (!isMessage)
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

        BackendWork? backendWork = null;
        Exception? error = null;
        try
        {
            _failure?.Throw();
            backendWork = work.Start();
        }
        catch (Exception thrown)
        {
            error = thrown;
        }

        if (backendWork is null)
        {
            Finish(work, observers, error);
        }
        else
        {
            Follow(work, backendWork, observers);
        }
    }

    private void Follow(Work work, BackendWork backendWork, IOperationObserver[] observers)
    {
        lock (_pending)
        {
            _pending.Add(backendWork);
        }

        // A timer takes at most 49 days.
        double milliseconds = Math.Min(Limit.TotalMilliseconds, uint.MaxValue - 1.0);
        ITimer limit = TimeProvider.System.CreateTimer(_ => backendWork.Complete(work.TimedOut(Limit)), null, TimeSpan.FromMilliseconds(milliseconds), System.Threading.Timeout.InfiniteTimeSpan);
        work.Follow(backendWork);
        backendWork.OnCompleted(error =>
        {
            limit.Dispose();
            lock (_pending)
            {
                _pending.Remove(backendWork);
            }

            Finish(work, observers, error);
        });
    }

    private void Finish(Work work, IOperationObserver[] observers, Exception? error)
    {
        if (error is null)
        {
            Interlocked.Increment(ref _completed);
        }
        else
        {
            Break(error);
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

    private void AbandonPending()
    {
        BackendWork[] pending;
        lock (_pending)
        {
            pending = [.. _pending];
        }

        foreach (BackendWork backendWork in pending)
        {
            backendWork.Complete(new ObjectDisposedException(nameof(ProcessGroup), $"the process group {Name} was disposed before this operation was done."));
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
