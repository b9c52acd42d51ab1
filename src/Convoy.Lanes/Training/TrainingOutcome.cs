namespace Convoy.Lanes.Training;

/// <summary>How a run, or this part of it, ended.</summary>
/// <param name="StepsDone">Steps that its last checkpoint has.</param>
/// <param name="Interrupted">Whether it was asked to stop before its last step.</param>
public sealed record TrainingOutcome(long StepsDone, bool Interrupted);
