using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker.RandomOperations;

/// <summary>One random operation on this rank: begins it, then sees whether what came out is what must.</summary>
internal sealed class OperationRun
{
    private readonly List<(string Name, GuardedTensor Tensor, byte[] Expected)> _outcomes = [];
    private readonly RandomOperation _operation;
    private readonly ProcessGroup _group;
    private readonly IReadOnlyList<int[]> _levels;
    private readonly int _salt;
    private Tensor? _buffer;
    private Work? _work;

    /// <param name="operation">What to do.</param>
    /// <param name="group">The group that does it, of which this rank is a member.</param>
    /// <param name="levels">In which order its ranks are combined, see <see cref="Groups.Levels"/>.</param>
    /// <param name="seed">The case's seed.</param>
    public OperationRun(RandomOperation operation, ProcessGroup group, IReadOnlyList<int[]> levels, int seed) =>
        (_operation, _group, _levels, _salt) = (operation, group, levels, unchecked((seed * 31) + operation.Index));

    /// <summary>Begins it, and ends it unless it is asynchronous.</summary>
    public void Start()
    {
        bool isRoot = _group.Rank == _operation.Root, waits = !_operation.IsAsynchronous;
        int root = _operation.Root, size = _group.Size;
        ReduceOp op = _operation.Op;
        switch (_operation.Kind)
        {
            case OperationKind.Barrier:
                Do(waits, () => _group.Barrier(), () => _group.BarrierAsync());
                break;
            case OperationKind.AllReduce:
                Tensor reduced = Expect("the tensor", Of(_group.Rank), Combined());
                Do(waits, () => _group.AllReduce(reduced, op), () => _group.AllReduceAsync(reduced, op));
                break;
            case OperationKind.Reduce:
                Tensor partly = Expect("the tensor", Of(_group.Rank), isRoot ? Combined() : Of(_group.Rank));
                Do(waits, () => _group.Reduce(partly, root, op), () => _group.ReduceAsync(partly, root, op));
                break;
            case OperationKind.Broadcast:
                Tensor sent = Expect("the tensor", Of(_group.Rank), Of(root));
                Do(waits, () => _group.Broadcast(sent, root), () => _group.BroadcastAsync(sent, root));
                break;
            case OperationKind.AllGather:
                Tensor[] all = ForEachRank(rank => Expect($"output {rank}", Of(size), Of(rank)));
                Tensor own = Unchanged(0, "the input");
                Do(waits, () => _group.AllGather(all, own), () => _group.AllGatherAsync(all, own));
                break;
            case OperationKind.Gather:
                Tensor[]? gathered = isRoot ? ForEachRank(rank => Expect($"output {rank}", Of(size), Of(rank))) : null;
                Tensor given = Unchanged(0, "the input");
                Do(waits, () => _group.Gather(gathered, given, root), () => _group.GatherAsync(gathered, given, root));
                break;
            case OperationKind.Scatter:
                Tensor[]? parts = isRoot ? ForEachRank(rank => Unchanged(rank, $"input {rank}")) : null;
                Tensor part = Expect("the output", Of(size), Of(root, _group.Rank));
                Do(waits, () => _group.Scatter(part, parts, root), () => _group.ScatterAsync(part, parts, root));
                break;
            case OperationKind.ReduceScatter:
                Tensor[] inputs = ForEachRank(rank => Unchanged(rank, $"input {rank}"));
                Tensor output = Expect("the output", Of(size), Combined(_group.Rank));
                Do(waits, () => _group.ReduceScatter(output, inputs, op), () => _group.ReduceScatterAsync(output, inputs, op));
                break;
            case OperationKind.AllToAll:
                Tensor[] leaving = ForEachRank(rank => Expect($"input {rank}", Between(_group.Rank, rank), Between(_group.Rank, rank)));
                Tensor[] coming = ForEachRank(rank => Expect($"output {rank}", new byte[Between(rank, _group.Rank).Length], Between(rank, _group.Rank)));
                Do(waits, () => _group.AllToAll(coming, leaving), () => _group.AllToAllAsync(coming, leaving));
                break;
            case OperationKind.Send when isRoot:
                Tensor message = Unchanged(0, "the message");
                Do(waits, () => _group.Send(message, _operation.Peer, _operation.Tag), () => _group.SendAsync(message, _operation.Peer, _operation.Tag));
                break;
            case OperationKind.Send when _group.Rank == _operation.Peer:
                Tensor received = Expect("the message", Of(size), Of(root));
                Do(waits, () => _group.Receive(received, root, _operation.Tag), () => _group.ReceiveAsync(received, root, _operation.Tag));
                break;
        }
    }

    /// <summary>Waits for it and compares.</summary>
    /// <param name="isFaulty">Whether to pretend that one bit came out wrong.</param>
    /// <exception cref="InvalidOperationException">Something else came out.</exception>
    public void Check(bool isFaulty)
    {
        _work?.Wait();
        foreach ((string name, GuardedTensor tensor, byte[] expected) in _outcomes)
        {
            if (isFaulty && expected.Length > 0)
            {
                expected[^1] ^= 1;
            }

            if (tensor.Difference(expected) is { } difference)
            {
                throw new InvalidOperationException($"rank {_group.Rank} of the group, {name}: {difference}");
            }
        }
    }

    /// <summary>Gives the group's memory back.</summary>
    public void Free() => _buffer?.Dispose();

    private void Do(bool waits, Action synchronous, Func<Work> asynchronous)
    {
        if (waits)
        {
            synchronous();
        }
        else
        {
            _work = asynchronous();
        }
    }

    private Tensor[] ForEachRank(Func<int, Tensor> tensor) => [.. Enumerable.Range(0, _group.Size).Select(tensor)];

    private Tensor Unchanged(int part, string name) => Expect(name, Of(_group.Rank, part), Of(_group.Rank, part));

    private Tensor Expect(string name, byte[] content, byte[] expected)
    {
        if (_operation.InBuffer)
        {
            _buffer = _group.AllocateBuffer(_operation.Count + 8, _operation.Type);
        }

        // Each rank's tensors lie in another way: only type and number of elements must agree.
        var layout = (TensorLayout)(((int)_operation.Layout + _group.Rank) % Enum.GetValues<TensorLayout>().Length);
        GuardedTensor tensor = _buffer is null ? GuardedTensor.Of(layout, _operation.Type, content) : GuardedTensor.In(_buffer, content);
        _outcomes.Add((name, tensor, expected));
        return tensor.View;
    }

    private byte[] Of(int rank, int part = 0) => ElementValues.Of(_operation.Type, _salt, rank, part * _operation.Count, _operation.Count);

    private byte[] Combined(int part = 0) => ElementValues.Combined(_operation.Type, _operation.Op, _salt, _levels, part * _operation.Count, _operation.Count);

    // What one rank gives another in all-to-all; each pair its own size.
    private byte[] Between(int source, int destination) =>
        ElementValues.Of(_operation.Type, _salt, source, destination * _operation.Count, _operation.Count / (1 + ((source + (2 * destination)) % 3)));
}
