using static TorchSharp.torch;

namespace Convoy.Distributed.Backends.Single;

/// <summary>The group of one process: every operation leaves or copies the tensor as it is.</summary>
public sealed class ProcessGroupSingle : ProcessGroup
{
    /// <summary>Makes the group; nobody needs to be found.</summary>
    public ProcessGroupSingle()
        : base(0, 1, DefaultTimeout)
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
    protected override void AllGatherCore(IReadOnlyList<Tensor> outputs, Tensor input)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        outputs[0].copy_(input.reshape(outputs[0].shape));
    }

    /// <inheritdoc/>
    protected override void BarrierCore()
    {
        // Everybody is here.
    }
}
