namespace Convoy.Distributed.ParallelTests;

[Trait("Repeats", "more")]
public class MainRankTests
{
    [Fact]
    public async Task MainRank_ThreeRanks_IsFirstAndPrintsAlone()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("convoy-main-");
        try
        {
            IReadOnlyList<string> outputs = await WorkerProcesses.RunAndRequireSuccessAsync("MainRank", 3, folder.FullName);
            Assert.Equal(["printed by rank 0\n", "", ""], outputs.Select(output => output.ReplaceLineEndings("\n")));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task EvaluationOverRanks_PaddedOrNot_CountsEachSampleOnce(int worldSize) =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("EvaluationOverRanks", worldSize);
}
