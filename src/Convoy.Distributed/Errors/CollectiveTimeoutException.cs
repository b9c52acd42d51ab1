namespace Convoy.Distributed.Errors;

/// <summary>Some ranks did not take part in an operation in time.</summary>
public sealed class CollectiveTimeoutException : DistributedException
{
    /// <param name="operation">What this rank was doing.</param>
    /// <param name="missingRanks">The ranks that did not come.</param>
    /// <param name="timeout">How long was waited.</param>
    /// <param name="diagnosis">What is known about why, and what to do; null: nothing.</param>
    public CollectiveTimeoutException(string operation, IReadOnlyList<int> missingRanks, TimeSpan timeout, string? diagnosis = null)
        : base(FormattableString.Invariant(
            $"{operation}: {RankList.Describe(missingRanks)} did not come within {timeout.TotalSeconds:0.###} s. {diagnosis ?? "See what they do instead (every rank must call the same operations), or give the process group a longer time-out"}."))
    {
        MissingRanks = missingRanks;
        Timeout = timeout;
    }

    /// <param name="message">What happened, in words.</param>
    /// <param name="missingRanks">The ranks that did not come.</param>
    /// <param name="timeout">How long was waited.</param>
    internal CollectiveTimeoutException(FormattableString message, IReadOnlyList<int> missingRanks, TimeSpan timeout)
        : base(FormattableString.Invariant(message))
    {
        MissingRanks = missingRanks;
        Timeout = timeout;
    }

    /// <summary>The ranks that did not come.</summary>
    public IReadOnlyList<int> MissingRanks { get; }

    /// <summary>How long was waited.</summary>
    public TimeSpan Timeout { get; }
}
