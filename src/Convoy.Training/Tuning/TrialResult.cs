namespace Convoy.Training.Tuning;

/// <summary>What one trial measured.</summary>
/// <param name="Configuration">What was tried.</param>
/// <param name="StepSeconds">Seconds of each step that counts, in order.</param>
/// <param name="End">How the trial ended.</param>
/// <param name="Error">Why it failed; null unless it did.</param>
public sealed record TrialResult(TuningConfiguration Configuration, IReadOnlyList<double> StepSeconds, TrialEnd End, string? Error = null);
