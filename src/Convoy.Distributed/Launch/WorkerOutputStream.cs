namespace Convoy.Distributed.Launch;

/// <summary>The two streams that a worker writes.</summary>
public enum WorkerOutputStream
{
    /// <summary>Standard output.</summary>
    Output,

    /// <summary>Standard error.</summary>
    Error,
}
