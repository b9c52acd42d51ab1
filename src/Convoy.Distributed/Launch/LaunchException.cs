namespace Convoy.Distributed.Launch;

/// <summary>The workers could not be started: no such program, no right to run it, an address that is not this machine's.</summary>
public sealed class LaunchException : DistributedException
{
    /// <summary>An exception with what was wrong and what to do.</summary>
    public LaunchException(string message)
        : base(message)
    {
    }

    /// <summary>An exception with what was wrong, what to do, and the system's own error.</summary>
    public LaunchException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>Another machine's launcher did not come, does not fit, could not start its workers, or is lost.</summary>
public sealed class PeerNodeException : DistributedException
{
    /// <summary>An exception with what was wrong and what to do.</summary>
    public PeerNodeException(string message)
        : base(message)
    {
    }

    /// <summary>An exception with what was wrong, what to do, and the error beneath it.</summary>
    public PeerNodeException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
