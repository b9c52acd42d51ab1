using Convoy.Distributed.GradientReduction;

namespace Convoy.Distributed.Nn;

/// <summary>The options of <see cref="DistributedDataParallel{T, TResult}"/>, named as in PyTorch's constructor. All ranks give the same.</summary>
public sealed record DistributedDataParallelOptions : ReducerOptions
{
    /// <summary>
    /// Whether each forward pass in training mode that a synchronized backward may follow begins by giving all ranks the buffers of
    /// rank 0, in one message. Buffers of <see cref="SyncBatchNorm"/> are left out, as they are equal already. Default: true.
    /// </summary>
    public bool BroadcastBuffers { get; init; } = true;

    /// <summary>
    /// Whether the constructor verifies that the ranks' models are alike and gives all ranks the values of rank 0. Without it they
    /// must be equal already. Default: true.
    /// </summary>
    public bool InitSync { get; init; } = true;

    /// <summary>
    /// Whether plain <c>loss.backward()</c> averages the gradients where that is possible. Otherwise only <see cref="DistributedDataParallel.Backward"/> does, as on systems where it is not
    /// (<see cref="DistributedDataParallel.AveragesInBackward"/>): to try a program as it runs there. Default: true.
    /// </summary>
    public bool AverageInBackward { get; init; } = true;
}
