namespace Convoy.Distributed.Errors;

/// <summary>Memory that the ranks share could not be made or mapped.</summary>
public sealed class SharedMemoryException : DistributedException
{
    /// <param name="message">What went wrong and what to do.</param>
    /// <param name="inner">The error that this one explains, if any.</param>
    public SharedMemoryException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
