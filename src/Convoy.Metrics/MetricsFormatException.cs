namespace Convoy.Metrics;

/// <summary>A metrics file is not what it should be. The message names the file, the line where there is one, and what is wrong.</summary>
public sealed class MetricsFormatException : Exception
{
    /// <inheritdoc/>
    public MetricsFormatException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
