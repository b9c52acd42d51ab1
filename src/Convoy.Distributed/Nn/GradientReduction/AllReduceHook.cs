namespace Convoy.Distributed.Nn.GradientReduction;

/// <summary>The mean of the gradients as they are: the default.</summary>
public sealed class AllReduceHook : ICommunicationHook
{
    /// <inheritdoc/>
    public void Reduce(GradientBucket bucket, ProcessGroup group)
    {
        ArgumentNullException.ThrowIfNull(bucket);
        ArgumentNullException.ThrowIfNull(group);
        group.AllReduce(bucket.Flat, ReduceOp.Average);
    }
}
