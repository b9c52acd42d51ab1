namespace Convoy.Cli.Benchmarks;

/// <summary>An all-reduce's times, and what they mean.</summary>
/// <param name="Bytes">The size of each rank's tensor.</param>
/// <param name="Memory">"buffer": from AllocateBuffer, reduced in place; "tensor": ordinary memory.</param>
/// <param name="Iterations">How many calls were measured.</param>
/// <param name="MedianSeconds">The median time of a call on rank 0; calls follow one another.</param>
/// <param name="P10Seconds">A tenth took at most this long.</param>
/// <param name="P90Seconds">Nine tenths took at most this long.</param>
/// <param name="MeanSeconds">The mean.</param>
/// <param name="AlgorithmGigabytesPerSecond">Bytes / median, as nccl-tests define it.</param>
/// <param name="BusGigabytesPerSecond">The algorithm's bandwidth x 2 (N - 1) / N, as nccl-tests define it.</param>
/// <param name="LimitSeconds">
/// The least time that memory allows: every rank's tensor is read once and written once, 2 N x bytes at the measured
/// bandwidth. Null where the tensors fit into the cache and memory is no limit.
/// </param>
/// <param name="TimesLimit">Median / limit.</param>
internal sealed record AllReduceResult(
    long Bytes,
    string Memory,
    int Iterations,
    double MedianSeconds,
    double P10Seconds,
    double P90Seconds,
    double MeanSeconds,
    double AlgorithmGigabytesPerSecond,
    double BusGigabytesPerSecond,
    double? LimitSeconds,
    double? TimesLimit)
{
    /// <summary>Sets the times beside the limit.</summary>
    /// <param name="times">The measurement.</param>
    /// <param name="processes">N.</param>
    /// <param name="updateBytesPerSecond">Memory bandwidth of all processes, bytes read plus bytes written.</param>
    /// <param name="cacheBytes">The largest cache; null where it is not known: taken for 0.</param>
    public static AllReduceResult Summarize(AllReduceTimes times, int processes, double updateBytesPerSecond, long? cacheBytes)
    {
        double algorithm = times.Bytes / times.MedianSeconds / 1e9;
        long all = processes * times.Bytes;
        double? limit = all > (cacheBytes ?? 0) ? 2 * all / updateBytesPerSecond : null;
        return new AllReduceResult(
            times.Bytes, times.Memory, times.Iterations, times.MedianSeconds, times.P10Seconds, times.P90Seconds, times.MeanSeconds,
            algorithm, algorithm * 2 * (processes - 1) / processes, limit, times.MedianSeconds / limit);
    }
}
