namespace Convoy.Analysis.Bottlenecks;

/// <summary>From which share of a configuration's time a cause is named. docs/scaling-analysis.md gives the reasons.</summary>
public static class Thresholds
{
    /// <summary>For causes that are measured as a phase of their own.</summary>
    public const double MeasuredShare = 0.02;

    /// <summary>For causes that follow from a comparison with the baseline or a fitted law.</summary>
    public const double InferredShare = 0.05;

    /// <summary>How much longer than the usual rank the slowest has to compute to be a straggler.</summary>
    public const double StragglerExcess = 0.05;

    /// <summary>In which share of the steps the same rank has to be the slowest to be a straggler.</summary>
    public const double StragglerPersistence = 0.6;

    /// <summary>Below this many samples in each process, what contention does not explain counts as too small a batch.</summary>
    public const double SmallLocalBatch = 2;

    /// <summary>How wide the interval of a time may be to either side before the noise hides what is to be told.</summary>
    public const double NoiseHalfWidth = 0.05;
}
