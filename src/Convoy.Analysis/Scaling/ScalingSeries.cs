using Convoy.Analysis.Runs;
using Convoy.Analysis.Statistics;

namespace Convoy.Analysis.Scaling;

/// <summary>Configurations that differ in their processes only; the one with the fewest is the baseline.</summary>
public sealed record ScalingSeries
{
    private ScalingSeries()
    {
    }

    /// <summary>The precision of all of them.</summary>
    public required string Precision { get; init; }

    /// <summary>Threads of each process; null when not recorded, or when they vary with the processes (cores shared out).</summary>
    public required int? Threads { get; init; }

    /// <summary>The configurations by number of processes, each number once.</summary>
    public required IReadOnlyList<ScalingPoint> Points { get; init; }

    /// <summary>The configuration with the fewest processes.</summary>
    public ScalingPoint Baseline => Points[0];

    /// <summary>The configuration with the most processes.</summary>
    public ScalingPoint Largest => Points[^1];

    /// <summary>All series of <paramref name="runs"/>, by precision and threads; one for each configuration where their work is not comparable.</summary>
    public static IReadOnlyList<ScalingSeries> From(RunSet runs)
    {
        if (!runs.HasComparableWork)
        {
            return [.. runs.Measurements.Select(m => From([m]))]; // none is the baseline of another
        }

        var series = new List<ScalingSeries>();
        foreach (IGrouping<string, ConfigurationMeasurement> precision in runs.Measurements.GroupBy(m => m.Configuration.Precision))
        {
            // Cores shared out among processes give each number of processes its own number of threads: one series.
            bool oneEach = precision.Select(m => m.Configuration.Processes).Distinct().Count() == precision.Count();
            series.AddRange(oneEach
                ? [From([.. precision])]
                : precision.GroupBy(m => m.Configuration.Threads).Select(g => From([.. g])));
        }

        return series;
    }

    private static ScalingSeries From(IReadOnlyList<ConfigurationMeasurement> measurements)
    {
        ConfigurationMeasurement[] ordered = [.. measurements.OrderBy(m => m.Configuration.Processes)];
        int?[] threads = [.. ordered.Select(m => m.Configuration.Threads).Distinct()];
        return new ScalingSeries
        {
            Precision = ordered[0].Configuration.Precision,
            Threads = threads.Length == 1 ? threads[0] : null,
            Points = [.. ordered.Select(m => Point(ordered[0], m))],
        };
    }

    private static ScalingPoint Point(ConfigurationMeasurement baseline, ConfigurationMeasurement measured)
    {
        double work = baseline.WorkUnits is { } b && measured.WorkUnits is { } m ? (double)b / m : 1;
        double perProcess = (double)baseline.Configuration.Processes / measured.Configuration.Processes;
        double speedup = baseline.Seconds / (measured.Seconds * work);
        Interval? interval = ReferenceEquals(baseline, measured)
            ? null
            : Bootstrap.PercentileInterval([.. baseline.Replicates.Zip(measured.Replicates, (one, other) => one / (other * work))]);
        return new ScalingPoint(
            measured,
            measured.Seconds * work,
            speedup,
            interval,
            speedup * perProcess,
            interval is { } i ? new Interval(i.Low * perProcess, i.High * perProcess) : null);
    }
}

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
