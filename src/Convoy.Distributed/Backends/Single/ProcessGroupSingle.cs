using static TorchSharp.torch;

namespace Convoy.Distributed.Backends.Single;

/// <summary>The group of one process: every operation leaves or copies the tensor as it is.</summary>
public sealed class ProcessGroupSingle : ProcessGroup
{
    /// <summary>Makes the group; there are no other ranks to wait for.</summary>
    /// <param name="name">What to call the group in messages.</param>
    public ProcessGroupSingle(string name = "default")
        : base(0, 1, DefaultTimeout, name)
    {
    }

    /// <inheritdoc/>
    protected override void AllReduceCore(Tensor tensor, ReduceOp op)
    {
        // The sum, mean, least and greatest of one value are that value.
    }

    /// <inheritdoc/>
    protected override void BroadcastCore(Tensor tensor, int root)
    {
        // The root is this rank.
    }

    /// <inheritdoc/>
    protected override void ReduceCore(Tensor tensor, int root, ReduceOp op)
    {
        // See AllReduceCore.
    }

    /// <inheritdoc/>
    protected override void AllGatherCore(IReadOnlyList<Tensor> outputs, Tensor input) => Copy(input, outputs[0]);

    /// <inheritdoc/>
    protected override void GatherCore(IReadOnlyList<Tensor> outputs, Tensor input, int root) => Copy(input, outputs[0]);

    /// <inheritdoc/>
    protected override void ScatterCore(Tensor output, IReadOnlyList<Tensor> inputs, int root) => Copy(inputs[0], output);

    /// <inheritdoc/>
    protected override void ReduceScatterCore(Tensor output, IReadOnlyList<Tensor> inputs, ReduceOp op) => Copy(inputs[0], output);

    /// <inheritdoc/>
    protected override void AllToAllCore(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> inputs)
    {
        if (outputs[0].numel() != inputs[0].numel())
        {
            throw new CollectiveMismatchException(FormattableString.Invariant($"AllToAll: rank 0 gives itself {inputs[0].numel()} elements and expects {outputs[0].numel()}. Give output 0 the size of input 0."));
        }

        Copy(inputs[0], outputs[0]);
    }

    /// <inheritdoc/>
    protected override void SendCore(Tensor tensor, int destination, int tag) => throw Alone();

    /// <inheritdoc/>
    protected override void ReceiveCore(Tensor tensor, int source, int tag) => throw Alone();

    /// <inheritdoc/>
    protected override ProcessGroup NewGroupCore(IReadOnlyList<int> ranks, string name) => new ProcessGroupSingle(name);

    /// <inheritdoc/>
    protected override void BarrierCore()
    {
        // Everybody is here.
    }

    /// <inheritdoc/>
    protected override Tensor AllocateSharedCore(long count, ScalarType dtype) => zeros([count], dtype).DetachFromDisposeScope();

    // The only rank is this one, to which no message can be addressed: the arguments' check has refused it.
    private static InvalidOperationException Alone() => new("a group of one process has no other rank to exchange messages with");

    private static void Copy(Tensor from, Tensor to)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        to.copy_(from.reshape(to.shape));
    }
}
