namespace Convoy.Distributed.Nn;

/// <summary>Where the time of the last backward pass went; seconds on this rank.</summary>
/// <param name="BackwardSeconds">Computing gradients.</param>
/// <param name="CommunicationSeconds">Averaging them over the ranks, once all had theirs.</param>
/// <param name="WaitSeconds">Waiting for the slowest rank to have its gradients.</param>
public readonly record struct ReducerTimings(double BackwardSeconds, double CommunicationSeconds, double WaitSeconds);
