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

/// <summary>How long a trial may go on.</summary>
public sealed record TrialAllowance
{
    /// <summary>Steps at a trial's start that do not count: kernels are being chosen and memory is being allocated. Default 1.</summary>
    public int WarmupSteps { get; init; } = 1;

    /// <summary>The same for the first trial of new processes, whose code is still being compiled. Default 2.</summary>
    public int FirstWarmupSteps { get; init; } = 2;

    /// <summary>Steps that count, at least, unless the trial is given up; 1 or more. Default 2.</summary>
    public int LeastSteps { get; init; } = 2;

    /// <summary>Seconds of steps that count, once there are <see cref="LeastSteps"/>.</summary>
    public required double SecondsEach { get; init; }

    /// <summary>The median step of the best configuration of this round so far, in seconds; null when there is none.</summary>
    public double? BestStepSeconds { get; init; }

    /// <summary>Seconds until no further trial may start.</summary>
    public required double SecondsLeft { get; init; }
}

/// <summary>What one trial measured.</summary>
/// <param name="Configuration">What was tried.</param>
/// <param name="StepSeconds">Seconds of each step that counts, in order.</param>
/// <param name="End">How the trial ended.</param>
/// <param name="Error">Why it failed; null unless it did.</param>
public sealed record TrialResult(TuningConfiguration Configuration, IReadOnlyList<double> StepSeconds, TrialEnd End, string? Error = null);

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
}
