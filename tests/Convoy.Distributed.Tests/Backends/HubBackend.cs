using System.Collections.Concurrent;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.Backends;

/// <summary>
/// A backend that starts its operations and completes them from another thread, for ranks within this process: a thread, the hub,
/// carries an operation out when all ranks have started it.
/// </summary>
internal sealed class HubBackend(Hub hub, int rank, TimeSpan? timeout = null) : ProcessGroup(rank, hub.Size, timeout ?? TimeSpan.FromSeconds(60))
{
    /// <summary>The error that broke the group; null: none has.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Whether waiting threads need not block.</summary>
    public bool OrdersByItself { get; init; }

    protected override BackendWork StartAllReduce(Tensor tensor, ReduceOp op) => Request(tensor, tensors =>
    {
        using Tensor sum = tensors.Aggregate(zeros_like(tensor), (total, each) => total.add_(each));
        foreach (Tensor each in tensors)
        {
            each.copy_(sum);
        }
    });

    protected override BackendWork StartBroadcast(Tensor tensor, int root) => Request(tensor, tensors =>
    {
        foreach (Tensor each in tensors)
        {
            each.copy_(tensors[root]);
        }
    });

    // Synchronous, among operations that are not.
    protected override void BarrierCore()
    {
        HubWork work = Request(zeros(1), _ => { });
        if (!SpinWait.SpinUntil(() => work.IsCompleted, Timeout))
        {
            throw new TimeoutException();
        }
    }

    protected override IReadOnlyList<int> MissingRanks() => hub.Missing(Rank);

    protected override void OnFailed(Exception error) => Failure = error;

    private HubWork Request(Tensor tensor, Action<Tensor[]> run)
    {
        var work = new HubWork(Current.ToString(), tensor, run, OrdersByItself);
        hub.Start(Rank, work);
        return work;
    }
}

/// <summary>One rank's part of an operation.</summary>
internal sealed class HubWork(string call, Tensor tensor, Action<Tensor[]> run, bool ordersByItself) : BackendWork
{
    public string Call => call;

    public Tensor Tensor => tensor;

    public Action<Tensor[]> Run => run;

    protected internal override bool Synchronize() => ordersByItself;
}

/// <summary>Carries operations out, one after the other, on a thread of its own.</summary>
internal sealed class Hub : IDisposable
{
    private readonly List<HubWork>[] _started;
    private readonly BlockingCollection<HubWork[]> _ready = [];
    private readonly ManualResetEventSlim _open = new(initialState: true);
    private readonly Thread _thread;

    public Hub(int size)
    {
        Size = size;
        _started = [.. Enumerable.Range(0, size).Select(_ => new List<HubWork>())];
        _thread = new Thread(CarryOut) { IsBackground = true };
        _thread.Start();
    }

    public int Size { get; }

    /// <summary>Thrown by the next operation in place of what it does.</summary>
    public Exception? Fault { get; set; }

    public int ThreadId => _thread.ManagedThreadId;

    /// <summary>Holds all operations back until <see cref="Open"/>.</summary>
    public void Close() => _open.Reset();

    public void Open() => _open.Set();

    /// <summary>What a rank has started so far.</summary>
    public string[] StartedBy(int rank)
    {
        lock (_started)
        {
            return [.. _started[rank].Select(work => work.Call)];
        }
    }

    public int[] Missing(int rank)
    {
        lock (_started)
        {
            return [.. Enumerable.Range(0, Size).Where(other => _started[other].Count < _started[rank].Count)];
        }
    }

    public void Start(int rank, HubWork work)
    {
        lock (_started)
        {
            _started[rank].Add(work);
            int number = _started[rank].Count;
            if (_started.All(works => works.Count >= number))
            {
                _ready.Add([.. _started.Select(works => works[number - 1])]);
            }
        }
    }

    public void Dispose()
    {
        _ready.CompleteAdding();
        _open.Set();
        _thread.Join();
        _ready.Dispose();
        _open.Dispose();
    }

    private void CarryOut()
    {
        foreach (HubWork[] works in _ready.GetConsumingEnumerable())
        {
            _open.Wait();
            Exception? fault = Fault;

            // A rank that gave up has let its tensors go.
            if (fault is null && !Array.Exists(works, work => work.IsCompleted))
            {
                works[0].Run([.. works.Select(work => work.Tensor)]);
            }

            foreach (HubWork work in works)
            {
                work.Complete(fault);
            }
        }
    }
}
