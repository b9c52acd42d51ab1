using Convoy.Training.Options;
using Convoy.Training.Programs;
using Convoy.Training.Tuning;

namespace Convoy.Cli.Tuning;

/// <summary>What tuning was asked for.</summary>
/// <param name="Task">Whose task is tuned.</param>
/// <param name="Settings">What all trials have in common.</param>
/// <param name="Space">What to choose from.</param>
/// <param name="Memory">What all processes of a trial may take together.</param>
/// <param name="BudgetSeconds">Time for all trials.</param>
/// <param name="Seed">Decides their order.</param>
/// <param name="Output">The file for <c>train --config</c>.</param>
/// <param name="Data">The data of the lane detector, for the command that trains; null where it is drawn or the task is another.</param>
internal sealed record TuneRequest(TaskProgram Task, Func<string, RunConfiguration> Settings, TuningSpace Space, MemoryLimit Memory, double BudgetSeconds, int Seed, string Output, string? Data);
