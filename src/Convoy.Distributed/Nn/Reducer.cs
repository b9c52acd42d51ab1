using System.Diagnostics;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.Nn;

/// <summary>
/// Keeps the gradients of a model in buckets and averages them over the ranks. It knows parameters and a process group, nothing
/// of the module that they belong to.
/// </summary>
public sealed class Reducer : IDisposable
{
    private readonly ProcessGroup _group;
    private readonly GradientBucket[] _buckets;

    /// <summary>Moves the parameters' gradients into buckets; all ranks call it together.</summary>
    /// <param name="parameters">Parameters that require gradients, in order of registration, the same on all ranks.</param>
    /// <param name="group">The ranks.</param>
    /// <param name="bucketCapMb">See <see cref="BucketAssignment"/>; units of 2^20 bytes.</param>
    /// <param name="firstBucketCapMb">See <see cref="BucketAssignment"/>; units of 2^20 bytes.</param>
    public Reducer(
        IReadOnlyList<Parameter> parameters,
        ProcessGroup group,
        double bucketCapMb = BucketAssignment.DefaultBucketCapMb,
        double firstBucketCapMb = BucketAssignment.DefaultFirstBucketCapMb)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(group);
        _group = group;
        var sizes = parameters.Select(p => (p.numel() * p.element_size(), p.dtype)).ToList();
        _buckets = [.. BucketAssignment.Compute(sizes, bucketCapMb, firstBucketCapMb)
            .Select(indices => new GradientBucket([.. indices.Select(index => parameters[index])], group))];
    }

    /// <summary>How many buckets there are.</summary>
    public int BucketCount => _buckets.Length;

    /// <summary>Fills all gradients with zeros, in place.</summary>
    public void ZeroGradients()
    {
        using var noGradient = no_grad();
        foreach (GradientBucket bucket in _buckets)
        {
            bucket.Adopt();
            bucket.Memory.zero_();
        }
    }

    /// <summary>Averages the gradients over the ranks; a parameter that has none on a rank counts as zero there.</summary>
    /// <returns>The seconds spent averaging and waiting for the other ranks.</returns>
    /// <exception cref="Errors.DistributedException">A rank ended, did not come in time, or called something else.</exception>
    public (double CommunicationSeconds, double WaitSeconds) Reduce()
    {
        foreach (GradientBucket bucket in _buckets)
        {
            bucket.Adopt();
        }

        // Apart from the reduction itself, to tell a slow rank from slow communication.
        long start = Stopwatch.GetTimestamp();
        _group.Barrier();
        long together = Stopwatch.GetTimestamp();
        foreach (GradientBucket bucket in _buckets)
        {
            _group.AllReduce(bucket.Memory, ReduceOp.Average);
        }

        return (Stopwatch.GetElapsedTime(together).TotalSeconds, Stopwatch.GetElapsedTime(start, together).TotalSeconds);
    }

    /// <summary>Lets go of the buckets; the parameters keep their gradients.</summary>
    public void Dispose()
    {
        foreach (GradientBucket bucket in _buckets)
        {
            bucket.Dispose();
        }
    }
}
