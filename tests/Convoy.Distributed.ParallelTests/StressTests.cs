namespace Convoy.Distributed.ParallelTests;

/// <summary>Very many barriers and small all-reduces with more ranks than cores; and that they notice a barrier with a fault.</summary>
[Trait("Subject", "Processes")]
[Trait("Repeats", "more")]
public class StressTests
{
    private const string ManyBarriers = "100000"; // A wrong barrier ends its stress long before.
    private static readonly string Barriers = $"{Repetitions.Of(10_000, 100_000)}";
    private static readonly string Reductions = $"{Repetitions.Of(2_000, 20_000)}";

    [Fact]
    public async Task Barrier_VeryManyTimesWithEightRanks_KeepsAllTogether()
    {
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync("BarrierStress", 8, [Barriers, Reductions, "60"], limit: TimeSpan.FromMinutes(8));
        Assert.All(results, result => Assert.True(result.ExitCode == 0, $"rank {result.Rank}: {result.Errors}"));
    }

    [Fact]
    public async Task Barrier_CountsAreResetTooLate_StressHangsAndNamesTheMissing()
    {
        Repetitions.RequireAll();
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync("BarrierStress", 8, [ManyBarriers, Reductions, "8", "late-reset"]);
        Assert.All(results, result => Assert.Equal(1, result.ExitCode));
        Assert.Contains(results, result => result.Errors.Contains("CollectiveTimeoutException", StringComparison.Ordinal) && result.Errors.Contains("did not arrive within 8 s", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Barrier_GenerationIsStale_StressSeesWhoWentThroughTooEarly()
    {
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync("BarrierStress", 8, [ManyBarriers, Reductions, "8", "stale-generation"]);
        Assert.All(results, result => Assert.Equal(1, result.ExitCode));
        // Either this stress sees the counters, or the group sees what the ranks call.
        Assert.Contains(results, result => result.Errors.Contains("through while rank", StringComparison.Ordinal) || result.Errors.Contains(" called Barrier(", StringComparison.Ordinal));
    }
}
