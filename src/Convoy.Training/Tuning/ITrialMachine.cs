namespace Convoy.Training.Tuning;

/// <summary>What trials are made on.</summary>
public interface ITrialMachine
{
    /// <summary>Makes a trial of each configuration, as far as there is time.</summary>
    /// <param name="configurations">What to try, in this order as far as possible.</param>
    /// <param name="allowance">How long each may take.</param>
    /// <param name="cancellation">Ends the trials.</param>
    /// <returns>One result for each configuration, in their order.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was raised.</exception>
    Task<IReadOnlyList<TrialResult>> TryAsync(IReadOnlyList<TuningConfiguration> configurations, TrialAllowance allowance, CancellationToken cancellation);
}

/// <summary>How long a trial may go on, and what it may take.</summary>
public sealed record TrialAllowance
{
    /// <summary>Steps at a trial's start that do not count: kernels are being chosen and memory is being allocated. Default 1. Rounded up to whole updates.</summary>
    public int WarmupSteps { get; init; } = 1;

    /// <summary>The same for the first trial of new processes, whose code is still being compiled. Default 2.</summary>
    public int FirstWarmupSteps { get; init; } = 2;

    /// <summary>Steps that count, at least, unless the trial is given up; 1 or more. Default 2. Rounded up to whole updates.</summary>
    public int LeastSteps { get; init; } = 2;

    /// <summary>Seconds of steps that count, once there are <see cref="LeastSteps"/>.</summary>
    public required double SecondsEach { get; init; }

    /// <summary>The median seconds a sample of the best configuration of this round so far; null when there is none.</summary>
    public double? BestSampleSeconds { get; init; }

    /// <summary>Seconds until no further trial may start.</summary>
    public required double SecondsLeft { get; init; }

    /// <summary>What memory a process may take, and what is known of it; null for no limit.</summary>
    public TrialMemory? Memory { get; init; }
}

/// <summary>What memory a process of a trial may take.</summary>
/// <param name="LimitBytes">The limit of each process; above 0.</param>
/// <param name="Known">What earlier trials measured.</param>
public sealed record TrialMemory(long LimitBytes, IReadOnlyList<MemoryPoint> Known);

/// <summary>What a batch took.</summary>
/// <param name="Processes">Processes of the trial; at least 1.</param>
/// <param name="Precision">Its precision.</param>
/// <param name="ChannelsLast">Its memory format.</param>
/// <param name="LocalBatchSize">Samples of a step in each process; at least 1.</param>
/// <param name="PeakBytes">The peak of a process, the largest of the ranks'; above 0.</param>
public sealed record MemoryPoint(int Processes, Precision Precision, bool ChannelsLast, int LocalBatchSize, long PeakBytes);

/// <summary>What one trial measured.</summary>
/// <param name="Configuration">What was tried.</param>
/// <param name="UpdateSeconds">Seconds of each update that counts, in order: of all its steps together.</param>
/// <param name="End">How the trial ended.</param>
/// <param name="Error">Why it failed; null unless it did.</param>
public sealed record TrialResult(TuningConfiguration Configuration, IReadOnlyList<double> UpdateSeconds, TrialEnd End, string? Error = null)
{
    /// <summary>Samples of an update over all processes; above 0. Default: what the configuration says, and 1 where it says nothing, for seconds of the whole.</summary>
    public double Samples { get; init; } = Configuration.Batch?.Effective ?? 1;

    /// <summary>The peak of a process in bytes, the largest of the ranks'; of a trial that was not made for lack of memory, what it would have needed. Null when it is not known.</summary>
    public long? PeakMemoryBytes { get; init; }
}

/// <summary>How a trial ended.</summary>
public enum TrialEnd
{
    /// <summary>It used its allowance.</summary>
    Measured,

    /// <summary>It was ended early, because it cannot win.</summary>
    GivenUp,

    /// <summary>It failed.</summary>
    Failed,

    /// <summary>There was no time for it.</summary>
    NotTried,

    /// <summary>Its processes need more memory than they may take, or would by what smaller batches needed.</summary>
    OverMemory,
}
