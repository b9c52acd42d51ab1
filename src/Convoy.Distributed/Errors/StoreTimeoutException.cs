namespace Convoy.Distributed.Errors;

/// <summary>Keys that this process waited for were not set in the store in time.</summary>
public sealed class StoreTimeoutException : DistributedException
{
    /// <param name="missingKeys">The keys that nobody set.</param>
    /// <param name="timeout">How long was waited.</param>
    /// <param name="message">What was missing, in words; null: a sentence made from the other two.</param>
    public StoreTimeoutException(IReadOnlyList<string> missingKeys, TimeSpan timeout, string? message = null)
        : base(message ?? FormattableString.Invariant(
            $"the store did not get {string.Join(", ", missingKeys.Select(key => $"'{key}'"))} within {timeout.TotalSeconds:0.###} s. See whether the process that sets it has ended, or give a longer time-out."))
    {
        MissingKeys = missingKeys;
        Timeout = timeout;
    }

    /// <summary>The keys that nobody set.</summary>
    public IReadOnlyList<string> MissingKeys { get; }

    /// <summary>How long was waited.</summary>
    public TimeSpan Timeout { get; }
}
