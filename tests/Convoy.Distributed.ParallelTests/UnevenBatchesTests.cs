using System.Text.RegularExpressions;

namespace Convoy.Distributed.ParallelTests;

/// <summary>A rank that has no more batches and leaves is told from one that died.</summary>
public class UnevenBatchesTests
{
    private const string FewerBatches =
        " operations, so it may have had fewer batches than this rank. Give all ranks the same number of batches, or use Join (DistributedDataParallel.Join) for uneven inputs; otherwise check its output for the reason.";

    [Theory]
    [Trait("Repeats", "more")]
    [InlineData("dispose", "plain", 2)]
    [InlineData("return", "plain", 3)]
    [InlineData("exit", "plain", 2)]
    [InlineData("dispose", "debug", 2)]
    [InlineData("exit", "debug", 3)]
    public async Task Forward_OneRankHasFewerBatchesAndLeaves_OthersSayAfterHowManyOperations(string how, string mode, int worldSize)
    {
        Repetitions.RequireAllUnless((how, mode) is ("return", "plain") or ("exit", "debug"));
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync("UnevenBatches", worldSize, [how, mode]);
        WorkerResult last = results[^1];
        Assert.True(last.ExitCode == 0, last.Errors);

        // 4 parameters and 3 buffers from rank 0, the lengths and the texts of the models, the reducer's group, a broadcast of buffers in each of 2 steps.
        const int Operations = 4 + 3 + 2 + 1 + 2;
        string operation = mode == "debug" ? "operation 13 of group default, Broadcast([32] Byte, root 0)" : "Broadcast";
        Assert.All(results.SkipLast(1), result =>
        {
            Assert.Equal(1, result.ExitCode);
            Assert.StartsWith(
                $"PeerLostException: {operation}: rank {last.Rank} (process {last.ProcessId}) has left the group: it left normally after {Operations}{FewerBatches}{Environment.NewLine}",
                result.Errors,
                StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task Forward_OneRankEndsWithAnErrorCode_OthersDoNotCallItOrder()
    {
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync("UnevenBatches", 2, ["fail", "plain"]);
        Assert.Equal(3, results[1].ExitCode);
        Assert.Contains($"the process of rank 1 (process {results[1].ProcessId}) has ended.", results[0].Errors, StringComparison.Ordinal);
        Assert.DoesNotMatch(new Regex("left normally"), results[0].Errors);
    }
}
