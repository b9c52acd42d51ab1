namespace Convoy.Analysis.Scaling;

/// <summary>The names of the communication model's parameters.</summary>
internal static class CommunicationParameters
{
    /// <summary>Computation of one step in one process, seconds.</summary>
    public const string ComputeSeconds = "compute_seconds";

    /// <summary>How much longer a process computes for each process beside it, as a share.</summary>
    public const string Contention = "contention_per_process";

    /// <summary>Alpha: seconds of one message, whatever its size.</summary>
    public const string LatencySeconds = "latency_seconds";

    /// <summary>Bytes x beta: seconds in which one process's gradients pass once.</summary>
    public const string TransferSeconds = "transfer_seconds";

    /// <summary>1 / beta.</summary>
    public const string BytesPerSecond = "bytes_per_second";
}
