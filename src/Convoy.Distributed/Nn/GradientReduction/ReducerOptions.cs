namespace Convoy.Distributed.Nn.GradientReduction;

/// <summary>How gradients are gathered into buckets and averaged. The names and defaults are PyTorch's where nothing else is said.</summary>
public record ReducerOptions
{
    /// <summary>How large a bucket of gradients gets, in units of 2^20 bytes; above 0. Default: 25.</summary>
    public double BucketCapMb { get; init; } = BucketAssignment.DefaultBucketCapMb;

    /// <summary>The same for each element type's first bucket, which is small so that communication begins early. Default: 1.</summary>
    public double FirstBucketCapMb { get; init; } = BucketAssignment.DefaultFirstBucketCapMb;

    /// <summary>
    /// Whether parameters may stay out of a backward pass. Then one small message more a step tells which ones no rank used; their
    /// gradients stay as they were. Otherwise a parameter that this rank did not use is an error. Default: false.
    /// </summary>
    public bool FindUnusedParameters { get; init; }

    /// <summary>
    /// Whether every step uses the same parameters in the same way. The first step finds out which ones no rank uses and how often
    /// each gradient is added to, without overlap; later steps rely on it and fail when it changes. Default: false.
    /// </summary>
    public bool StaticGraph { get; init; }

    /// <summary>
    /// Whether the gradients lie inside the buckets, so that nothing is copied. Otherwise they have memory of their own and are
    /// copied into the buckets and back. Default: true (PyTorch: false).
    /// </summary>
    public bool GradientAsBucketView { get; init; } = true;

    /// <summary>Whether buckets are averaged while backward still computes other gradients. Results do not depend on it. Default: true.</summary>
    public bool Overlap { get; init; } = true;
}
