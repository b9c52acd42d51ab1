namespace Convoy.Cli.Benchmarks;

/// <summary>The times of calls that followed one another, as rank 0 saw them.</summary>
/// <param name="Bytes">The size of each rank's tensor.</param>
/// <param name="Memory">"buffer": from AllocateBuffer; "tensor": ordinary memory.</param>
/// <param name="Iterations">How many calls were measured.</param>
/// <param name="MedianSeconds">The median.</param>
/// <param name="P10Seconds">A tenth took at most this long.</param>
/// <param name="P90Seconds">Nine tenths took at most this long.</param>
/// <param name="MeanSeconds">The mean.</param>
internal sealed record AllReduceTimes(long Bytes, string Memory, int Iterations, double MedianSeconds, double P10Seconds, double P90Seconds, double MeanSeconds)
{
    /// <summary>Sums up the calls' times; sorts them.</summary>
    public static AllReduceTimes Summarize(long bytes, string memory, double[] seconds)
    {
        Array.Sort(seconds);
        double median = (seconds[(seconds.Length - 1) / 2] + seconds[seconds.Length / 2]) / 2;
        return new AllReduceTimes(bytes, memory, seconds.Length, median, At(seconds, 0.1), At(seconds, 0.9), seconds.Average());
    }

    private static double At(double[] sorted, double share) => sorted[(int)Math.Ceiling(share * sorted.Length) - 1];
}
