namespace Convoy.Distributed.Nn.GradientReduction;

/// <summary>
/// Where the time of the last step went; seconds on this rank. <paramref name="BackwardSeconds"/>,
/// <paramref name="CommunicationSeconds"/> and <paramref name="WaitSeconds"/> add up to the duration of the call to backward.
/// </summary>
/// <param name="ForwardSeconds">The forward passes since the backward pass before, including the broadcast of buffers.</param>
/// <param name="BackwardSeconds">
/// From the start to the end of the computation of gradients. What other communication does inside it, that of SyncBatchNorm, counts as computing.
/// </param>
/// <param name="CommunicationSeconds">
/// The exposed communication: what was left to exchange when the computation had ended, without the waiting. In the first step
/// also the making of new buckets.
/// </param>
/// <param name="WaitSeconds">The part of the time after the computation in which slower ranks had not come yet. 0 when the backend cannot tell.</param>
/// <param name="CommunicationTotalSeconds">All exchange, hidden behind the computation or not, without waiting.</param>
/// <param name="WaitTotalSeconds">All waiting for slower ranks by buckets that this rank had ready, hidden behind the computation or not.</param>
public readonly record struct ReducerTimings(
    double ForwardSeconds,
    double BackwardSeconds,
    double CommunicationSeconds,
    double WaitSeconds,
    double CommunicationTotalSeconds,
    double WaitTotalSeconds);

/// <summary>
/// One bucket of gradients in a backward pass; seconds on this rank since the pass began, so that a replay can tell what another
/// link, or other ranks, would have made of the step.
/// </summary>
/// <param name="Bytes">The size of the bucket, gaps of up to 64 bytes between its gradients included.</param>
/// <param name="ReadySeconds">
/// When the gradients of the bucket were complete, late by at most about a hundredth of the pass (1 to 10 ms); the end of the
/// computation for a bucket with parameters that the pass did not use. Known in every pass, also with one process.
/// </param>
/// <param name="ExchangedSeconds">When the mean over the ranks was there; null when nothing was exchanged: with one process, and without synchronization.</param>
public readonly record struct BucketTiming(long Bytes, double ReadySeconds, double? ExchangedSeconds);
