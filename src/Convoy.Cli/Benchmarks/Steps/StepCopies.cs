using Convoy.Analysis.Statistics;
using Convoy.Training.Measurement;

namespace Convoy.Cli.Benchmarks.Steps;

/// <summary>
/// N processes that train together beside N independent copies of one. What copies lose against one alone is the machine's; what processes that train together lose
/// against copies is the price of training together.
/// </summary>
/// <param name="Rounds">What was measured in each round.</param>
/// <param name="CopiesToAlone">Copies against N times one alone: what sharing the machine leaves.</param>
/// <param name="InStepToCopies">Copies of which each would wait for the slowest after every update, against copies: what is lost because cores are not equally fast at every moment.</param>
/// <param name="RanksToCopies">Processes that train together against copies.</param>
internal sealed record StepCopies(IReadOnlyList<CopyRound> Rounds, PairedRatio CopiesToAlone, PairedRatio InStepToCopies, PairedRatio RanksToCopies)
{
    /// <summary>Sums up rounds, at least one.</summary>
    public static StepCopies Summarize(IReadOnlyList<CopyRound> rounds) => new(
        rounds,
        PairedRatio.Estimate(rounds.Select(round => (round.Copies, round.Alone))),
        PairedRatio.Estimate(rounds.Select(round => (round.InStep, round.Copies))),
        PairedRatio.Estimate(rounds.Select(round => (round.Ranks, round.Copies))));
}
