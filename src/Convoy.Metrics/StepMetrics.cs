namespace Convoy.Metrics;

/// <summary>
/// What one rank measured in one step (one forward and backward pass over a global batch). Times are in seconds; null
/// means that whoever wrote the record did not measure it.
/// </summary>
public sealed record StepMetrics
{
    /// <summary>When the step ended.</summary>
    public required DateTimeOffset Timestamp { get; init; }

    /// <summary>The rank that measured.</summary>
    public required int Rank { get; init; }

    /// <summary>The step's number, from 1, counted over the whole run (a resumed run counts on).</summary>
    public required long Step { get; init; }

    /// <summary>The loss: the mean over the global batch, all ranks.</summary>
    public required double Loss { get; init; }

    /// <summary>The global batch: samples of all ranks in one forward pass.</summary>
    public required int BatchSize { get; init; }

    /// <summary>The learning rate of the update that this step belongs to; null when not recorded.</summary>
    public double? LearningRate { get; init; }

    /// <summary>Time since the first step's start.</summary>
    public required double ElapsedTime { get; init; }

    /// <summary>The whole step. Its phases, data, forward, backward, exposed communication, waiting and optimizer, add up to it.</summary>
    public double? StepTime { get; init; }

    /// <summary>Waiting for the loader's next batch.</summary>
    public double? DataTime { get; init; }

    /// <summary>Forward pass and loss.</summary>
    public double? ForwardTime { get; init; }

    /// <summary>Backward computation, and the release of the memory that the step needed.</summary>
    public double? BackwardTime { get; init; }

    /// <summary>Exchange of gradients that computation did not hide.</summary>
    public double? CommTime { get; init; }

    /// <summary>All exchange of gradients, also what went on behind the backward computation.</summary>
    public double? CommTotalTime { get; init; }

    /// <summary>Waiting for the slowest rank before gradients can be exchanged.</summary>
    public double? WaitTime { get; init; }

    /// <summary>Clipping, the optimizer's update and zeroing of gradients; 0 in a step that only accumulates.</summary>
    public double? OptimizerTime { get; init; }

    /// <summary>
    /// Processes of the session that took the step: a run that was resumed with another number has steps of both. Null
    /// when not recorded; then the run's configuration says.
    /// </summary>
    public int? WorldSize { get; init; }

    /// <summary>Threads that compute in each process of the session that took the step; null when not recorded.</summary>
    public int? Threads { get; init; }

    /// <summary>Processor time of this rank's process in the step, user and system, of all its threads. See <see cref="ProcessUsage"/>.</summary>
    public double? CpuTime { get; init; }

    /// <summary>The largest resident set of this rank's process so far, in bytes.</summary>
    public long? PeakMemoryBytes { get; init; }

    /// <summary>The most memory that this rank had in use on its accelerator so far, in bytes.</summary>
    public long? DevicePeakMemoryBytes { get; init; }

    /// <summary>How often this rank's threads left a core during the step.</summary>
    public ContextSwitches? ContextSwitches { get; init; }

    /// <summary>How long the thread that trains was ready to run in the step while others had its core. See <see cref="RunQueueClock"/>.</summary>
    public double? RunQueueTime { get; init; }

    /// <summary>What the processor counted of this rank's process in the step; null where the kernel grants no counters, see <see cref="PerformanceCounters"/>.</summary>
    public CounterReading? Counters { get; init; }

    /// <summary>The buckets of gradients in the order in which they were ready; with one process too, where nothing is exchanged.</summary>
    public IReadOnlyList<BucketMetrics>? Buckets { get; init; }

    /// <summary>The metrics of an evaluation on held-out data that followed the step, by their names; null where none did.</summary>
    public IReadOnlyDictionary<string, double>? Evaluation { get; init; }
}

/// <summary>How often threads left a core.</summary>
/// <param name="Voluntary">Because they waited: for a lock, a message, a file.</param>
/// <param name="Involuntary">Because the system gave the core to others.</param>
public readonly record struct ContextSwitches(long Voluntary, long Involuntary);

/// <summary>A bucket of gradients in one step.</summary>
/// <param name="Bytes">The bytes of its gradients.</param>
/// <param name="Ready">Seconds from the start of the backward pass until all of its gradients were computed.</param>
public readonly record struct BucketMetrics(long Bytes, double Ready);
