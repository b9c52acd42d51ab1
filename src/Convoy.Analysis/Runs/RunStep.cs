namespace Convoy.Analysis.Runs;

/// <summary>One recorded step of a run, for its curves.</summary>
/// <param name="Step">The step's number as recorded.</param>
/// <param name="Seconds">Its time; null when it is not known.</param>
/// <param name="Loss">The loss; null when it is not recorded. It may be NaN or infinite.</param>
/// <param name="IsWarmUp">Whether it was left out of the configuration's time.</param>
public sealed record RunStep(long Step, double? Seconds, double? Loss, bool IsWarmUp);
