using Convoy.Torch.Convolution;
using static TorchSharp.torch;

namespace Convoy.Training.Measurement;

/// <summary>Whether one core kept its speed while it was watched. Cores that are rented out change between a fast and a slow state that differ two to three times.</summary>
/// <param name="FastGigaflopsPerSecond">The 90th percentile of small matrix products.</param>
/// <param name="SlowGigaflopsPerSecond">The 10th percentile.</param>
/// <param name="IsOneState">Whether these two are of one state.</param>
/// <param name="SlowShare">The share of the products that were not of the fast state; 0 to 1.</param>
public sealed record MachineState(double FastGigaflopsPerSecond, double SlowGigaflopsPerSecond, bool IsOneState, double SlowShare)
{
    /// <summary>Watches with one thread.</summary>
    /// <param name="duration">How long; above 0.</param>
    /// <param name="time">The clock.</param>
    public static MachineState Watch(TimeSpan duration, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(duration, TimeSpan.Zero);
        int threadsBefore = get_num_threads();
        try
        {
            set_num_threads(1);
            var probe = new MachineProbe(time);
            var speeds = new List<double>();
            long start = time.GetTimestamp();
            do
            {
                speeds.Add(probe.FlopsPerSecond());
            }
            while (time.GetElapsedTime(start) < duration);
            return Of(speeds);
        }
        finally
        {
            set_num_threads(threadsBefore);
        }
    }

    /// <summary>Sums up what a probe gave.</summary>
    /// <param name="flopsPerSecond">At least one speed.</param>
    internal static MachineState Of(IReadOnlyCollection<double> flopsPerSecond)
    {
        double[] sorted = [.. flopsPerSecond.Order()];
        double slow = sorted[(sorted.Length - 1) / 10], fast = sorted[(sorted.Length - 1) * 9 / 10];
        return new MachineState(Math.Round(fast / 1e9, 1), Math.Round(slow / 1e9, 1), MachineProbe.IsSameState(slow, fast), (double)sorted.Count(speed => !MachineProbe.IsSameState(Math.Min(speed, fast), fast)) / sorted.Length);
    }
}
