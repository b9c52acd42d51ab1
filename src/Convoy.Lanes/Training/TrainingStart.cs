namespace Convoy.Lanes.Training;

/// <summary>What is known when a run, fresh or resumed, takes its first step.</summary>
/// <param name="StepsDone">Steps that the checkpoint has, 0 for a fresh run.</param>
/// <param name="Steps">Steps of the whole run.</param>
/// <param name="StepsPerEpoch">Steps in one pass over the data.</param>
public sealed record TrainingStart(long StepsDone, long Steps, int StepsPerEpoch);
