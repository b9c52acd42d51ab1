using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Reading;

/// <summary>A run that another tool recorded.</summary>
/// <param name="Run">The run.</param>
/// <param name="LastStep">The last step's number; 0 when there are none.</param>
/// <param name="Warnings">What a reader should know of it.</param>
internal sealed record OtherRun(Run Run, long LastStep, IReadOnlyList<string> Warnings);
