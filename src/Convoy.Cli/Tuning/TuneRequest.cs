using Convoy.Lanes.Sweeps;
using Convoy.Lanes.Training;

namespace Convoy.Cli.Tuning;

/// <summary>What tuning was asked for.</summary>
/// <param name="Settings">What all trials have in common.</param>
/// <param name="Space">What to choose from.</param>
/// <param name="BudgetSeconds">Time for all trials.</param>
/// <param name="Seed">Decides their order.</param>
/// <param name="Output">The file for <c>train --config</c>.</param>
/// <param name="FramesToDraw">Frames to draw as the data; null when the data is there.</param>
internal sealed record TuneRequest(TrainingOptions Settings, TuningSpace Space, double BudgetSeconds, int Seed, string Output, int? FramesToDraw);
