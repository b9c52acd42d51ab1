using System.Globalization;

namespace Convoy.Distributed.ParallelTests;

[Trait("Repeats", "more")]
public class RandomCollectiveTests
{
    private static readonly int Cases = Repetitions.Of(32, 256);

    // 8 x 32 or 256 sequences of up to nine operations each, in one start of processes for each world size.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public async Task RandomOperations_AnySizeTypeLayoutAndOrder_GiveClosedForms(int worldSize)
    {
        Repetitions.RequireAllUnless(worldSize is 2 or 3 or 8);
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunSharedAsync(
            "RandomCollectives", worldSize, [(worldSize * 10_000).ToString(CultureInfo.InvariantCulture), Cases.ToString(CultureInfo.InvariantCulture)], limit: TimeSpan.FromMinutes(4));
        if (results.Any(result => result.ExitCode != 0))
        {
            Assert.Fail(await CaseShrinker.ShrinkAsync(results));
        }
    }

    [Fact]
    public async Task RandomOperations_OneKindGivesAWrongBit_ShrinkToThatOperation()
    {
        const string Fault = "fault=ReduceScatter";
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync("RandomCollectives", 3, ["77000", "60", Fault]);
        Assert.Contains(results, result => result.ExitCode != 0);
        string report = await CaseShrinker.ShrinkAsync(results, Fault);
        Assert.Matches(@"^case 77\d\d\d with 3 ranks, operations \d+ are enough", report);
        Assert.Contains("Kind = ReduceScatter", report, StringComparison.Ordinal);
        Assert.Contains("element ", report, StringComparison.Ordinal);
    }
}
