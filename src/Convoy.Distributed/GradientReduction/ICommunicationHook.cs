namespace Convoy.Distributed.GradientReduction;

/// <summary>How a bucket's gradients are averaged over the ranks (PyTorch's DDP communication hook): a place for compression.</summary>
/// <remarks>
/// <para>Buckets come one at a time, in the same order on all ranks, so a hook may use any operations of the group, also several
/// in a row. It runs on the reducer's own thread while backward still computes other gradients, or, for buckets that remain, on
/// the thread that called backward; never on both at once. Gradients are not recorded, and its temporary tensors are disposed of
/// when it returns.</para>
/// <para>After the first step the buckets are rebuilt, once, in the order in which gradients arrive. State that belongs to a
/// bucket is best kept by the bucket object (<see cref="System.Runtime.CompilerServices.ConditionalWeakTable{TKey, TValue}"/>).</para>
/// </remarks>
public interface ICommunicationHook
{
    /// <summary>Replaces <see cref="GradientBucket.Flat"/> by its mean over the ranks, in place, before it returns.</summary>
    /// <param name="bucket">This rank's gradients.</param>
    /// <param name="group">The reducer's own group of all ranks; nothing else uses it.</param>
    /// <exception cref="DistributedException">A rank failed. Whatever is thrown is thrown again by backward.</exception>
    void Reduce(GradientBucket bucket, ProcessGroup group);
}

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
