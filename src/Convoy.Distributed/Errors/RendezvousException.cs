namespace Convoy.Distributed.Errors;

/// <summary>
/// The processes of a job could not find each other: an environment variable is wrong, the store cannot be reached,
/// the job's secret differs, or the store went away.
/// </summary>
public sealed class RendezvousException : DistributedException
{
    /// <param name="message">What went wrong and what to do.</param>
    /// <param name="inner">The error that this one explains, if any.</param>
    public RendezvousException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
