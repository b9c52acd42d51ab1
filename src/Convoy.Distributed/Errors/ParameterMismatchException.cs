namespace Convoy.Distributed.Errors;

/// <summary>The ranks' models differ in the names, shapes or types of their parameters or buffers.</summary>
public sealed class ParameterMismatchException : DistributedException
{
    /// <param name="rank">The first rank whose model differs from rank 0's.</param>
    /// <param name="expected">What rank 0 has at the first difference.</param>
    /// <param name="found">What that rank has there.</param>
    public ParameterMismatchException(int rank, string expected, string found)
        : base(FormattableString.Invariant(
            $"the model of rank {rank} differs from that of rank 0: it has {found} where rank 0 has {expected}. Build the same model on every rank."))
    {
        Rank = rank;
    }

    /// <summary>The first rank whose model differs from rank 0's.</summary>
    public int Rank { get; }
}
