using Convoy.Cli.Training;
using Convoy.Distributed.Errors;
using Convoy.Distributed.Launch;

namespace Convoy.Cli.Tests.Training;

/// <summary>The library names what its caller sets; the program's user sets options.</summary>
public sealed class FailureTextTests
{
    [Fact]
    public void Of_TimeOutOfAnOperation_NamesTheOption() => NamesTheOption(new CollectiveTimeoutException("all-reduce", [1], TimeSpan.FromSeconds(1)));

    [Fact]
    public void Of_TimeOutOfTheStore_NamesTheOption() => NamesTheOption(new StoreTimeoutException(["rank-1"], TimeSpan.FromSeconds(1)));

    private static void NamesTheOption(Exception error)
    {
        foreach (WorkerFailure failure in (WorkerFailure[])[new(0, 1, 1, null, [], error.Message), new(0, 1, 1, null, [$"convoy: error: {error.Message}"])])
        {
            string text = FailureText.Of(failure);

            Assert.Contains("give a longer --timeout", text, StringComparison.Ordinal);
            Assert.DoesNotContain("process group", text, StringComparison.Ordinal);
            Assert.DoesNotContain("time-out", text, StringComparison.Ordinal);
        }
    }
}
