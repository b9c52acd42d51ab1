using System.Text.RegularExpressions;

namespace Convoy.Distributed.ParallelTests;

/// <summary>What happens when /dev/shm is full: three ranks see a small one of their own, which they share with nobody else.</summary>
[Trait("Subject", "Processes")]
public class FullSharedMemoryTests
{
    [Theory]
    [InlineData("joining", "1m")]
    [InlineData("buffer", "24m")]
    [InlineData("wrapping", "24m")]
    public async Task SharedMemory_NoRoom_EveryRankSaysSoAndNothingIsLeft(string place, string size)
    {
        WorkerResult result = await WorkerProcesses.RunWithSharedMemoryAsync(size, "FullSharedMemory", 3, place);
        Assert.SkipWhen(result.ExitCode == WorkerProcesses.NoNamespace, $"a file system of its own cannot be mounted here: {result.Errors}");
        for (int rank = 0; rank < 3; rank++)
        {
            Assert.Matches(new Regex($@"^rank {rank}: SharedMemoryException: (rank 0: )?/dev/shm has no room for [\d.]+ MiB", RegexOptions.Multiline), result.Output);
        }

        Assert.Contains("left: none", result.Output, StringComparison.Ordinal);
        Assert.Equal(0, result.ExitCode);
    }
}
