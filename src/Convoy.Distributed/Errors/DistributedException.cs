namespace Convoy.Distributed.Errors;

/// <summary>Something between the processes of a job went wrong. The message is one line that says what, and what to do.</summary>
public class DistributedException : Exception
{
    /// <param name="message">What went wrong, with the ranks or keys concerned, and what to do.</param>
    /// <param name="inner">The error that this one explains, if any.</param>
    public DistributedException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
