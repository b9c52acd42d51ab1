using Convoy.Distributed;
using Convoy.Distributed.Launch;
using Convoy.Training.Workers;

namespace Convoy.Training.Tests.Workers;

/// <summary>The library names what its caller sets; the program's user sets options.</summary>
public sealed class FailureTextTests
{
    [Fact]
    public void Describe_TimeOutOfAnOperation_NamesTheOption() => NamesTheOption(new CollectiveTimeoutException("all-reduce", [1], TimeSpan.FromSeconds(1)));

    [Fact]
    public void Describe_TimeOutOfTheStore_NamesTheOption() => NamesTheOption(new StoreTimeoutException(["rank-1"], TimeSpan.FromSeconds(1)));

    [Fact]
    public void Describe_FullSharedMemory_NamesThePageAboutIt()
    {
        var failure = new WorkerFailure(0, 1, 1, null, [], "/dev/shm has no room for 92.1 MiB of shared memory. Free some, or give it more.");

        Assert.EndsWith(" Free some, or give it more. See docs/troubleshooting/shared-memory-too-small.md.", FailureText.Describe(failure), StringComparison.Ordinal);
    }

    private static void NamesTheOption(Exception error)
    {
        foreach (WorkerFailure failure in (WorkerFailure[])[new(0, 1, 1, null, [], error.Message), new(0, 1, 1, null, [$"convoy: error: {error.Message}"])])
        {
            string text = FailureText.Describe(failure);

            Assert.Contains("give a longer --timeout", text, StringComparison.Ordinal);
            Assert.DoesNotContain("process group", text, StringComparison.Ordinal);
            Assert.DoesNotContain("time-out", text, StringComparison.Ordinal);
            Assert.DoesNotContain("time", FailureText.Describe(failure, hasTimeout: false), StringComparison.Ordinal);
        }
    }
}
