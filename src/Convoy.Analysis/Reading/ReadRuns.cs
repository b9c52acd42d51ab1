using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Reading;

/// <summary>What a file or folder held.</summary>
/// <param name="Runs">The runs.</param>
/// <param name="Warnings">What a reader should know of them.</param>
internal sealed record ReadRuns(IReadOnlyList<Run> Runs, IReadOnlyList<string> Warnings);
