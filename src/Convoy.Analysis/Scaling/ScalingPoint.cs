using Convoy.Analysis.Runs;
using Convoy.Analysis.Statistics;

namespace Convoy.Analysis.Scaling;

/// <summary>One configuration against its series' baseline.</summary>
/// <param name="Measurement">What was measured.</param>
/// <param name="WorkSeconds">
/// The time for the baseline's amount of work: with a fixed global batch the measured time, with a fixed batch per
/// process the measured time x baseline's batch / this batch.
/// </param>
/// <param name="Speedup">Baseline's time / <paramref name="WorkSeconds"/>.</param>
/// <param name="SpeedupInterval">Its 95 % interval; null when one of the two was measured once only.</param>
/// <param name="Efficiency">Speed-up x baseline's processes / processes; 1 is ideal.</param>
/// <param name="EfficiencyInterval">Its 95 % interval; null when one of the two was measured once only.</param>
public sealed record ScalingPoint(
    ConfigurationMeasurement Measurement,
    double WorkSeconds,
    double Speedup,
    Interval? SpeedupInterval,
    double Efficiency,
    Interval? EfficiencyInterval)
{
    /// <summary>The number of processes.</summary>
    public int Processes => Measurement.Configuration.Processes;

    /// <summary>The standard error of the time as a share of it, from repeats or steps; null when measured once only.</summary>
    public double? RelativeError => Measurement.Interval?.RelativeHalfWidth(Measurement.Seconds) / NormalQuantile;

    // A 95 % interval reaches this many standard errors to either side.
    private const double NormalQuantile = 1.96;
}
