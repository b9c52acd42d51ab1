namespace Convoy.Training.Tuning;

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
