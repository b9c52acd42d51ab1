using Convoy.Cli.Training;
using Convoy.Distributed;
using Convoy.Distributed.Launch;

namespace Convoy.Cli.Tests.Training;

/// <summary>The library names what its caller sets; the program's user sets options.</summary>
public sealed class FailureTextTests
{
    [Fact]
    public void Of_TimeOutOfAnOperation_NamesTheOption() => NamesTheOption(new CollectiveTimeoutException("all-reduce", [1], TimeSpan.FromSeconds(1)));

    [Fact]
    public void Of_TimeOutOfTheStore_NamesTheOption() => NamesTheOption(new StoreTimeoutException(["rank-1"], TimeSpan.FromSeconds(1)));

    [Fact]
    public async Task Train_TimeOutThatNobodyMeets_NamesTheOption()
    {
        string output = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            ProgramRun run = await ProgramRun.ConvoyAsync(
                "train", "--data", "synthetic", "--out", output, "--nproc", "2", "--threads", "1", "--image-size", "96x64", "--steps", "1", "--timeout", "0.00001");

            Assert.Equal(1, run.ExitCode);
            Assert.Contains("give a longer --timeout.", run.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("process group", run.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("MASTER_", run.Error, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(output, recursive: true);
        }
    }

    [Fact]
    public void Of_FullSharedMemory_NamesThePageAboutIt()
    {
        var failure = new WorkerFailure(0, 1, 1, null, [], "/dev/shm has no room for 92.1 MiB of shared memory. Free some, or give it more.");

        Assert.EndsWith(" Free some, or give it more. See docs/troubleshooting/shared-memory-too-small.md.", FailureText.Of(failure), StringComparison.Ordinal);
    }

    private static void NamesTheOption(Exception error)
    {
        foreach (WorkerFailure failure in (WorkerFailure[])[new(0, 1, 1, null, [], error.Message), new(0, 1, 1, null, [$"convoy: error: {error.Message}"])])
        {
            string text = FailureText.Of(failure);

            Assert.Contains("give a longer --timeout", text, StringComparison.Ordinal);
            Assert.DoesNotContain("process group", text, StringComparison.Ordinal);
            Assert.DoesNotContain("longer timeout", text, StringComparison.Ordinal);
            Assert.DoesNotContain("time", FailureText.Of(failure, hasTimeout: false), StringComparison.Ordinal);
        }
    }
}
