using System.Text.Json;
using Convoy.Distributed.Backends.Single;
using Convoy.Distributed.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.Diagnostics;

public sealed class TraceRecorderTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("convoy-trace-").FullName;
    private readonly string _merged;

    public TraceRecorderTests()
    {
        _merged = Path.Combine(_directory, "trace.json");
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("4", 4, 4)]
    [InlineData("3-5", 3, 5)]
    public void TryParse_StepOrRange_GivesIt(string text, int first, int last)
    {
        Assert.True(TraceSteps.TryParse(text, out TraceSteps steps));
        Assert.Equal(new TraceSteps(first, last), steps);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("5-3")]
    [InlineData("1-2-3")]
    [InlineData("-3")]
    [InlineData("a")]
    public void TryParse_AnythingElse_IsRefused(string text) => Assert.False(TraceSteps.TryParse(text, out _));

    [Fact]
    public void DeleteAll_FilesOfAnEarlierRun_AreNotInTheNextTrace()
    {
        Train(0, steps: 4);
        File.WriteAllText(_merged, "kept");
        TraceFile.DeleteAll(_directory);

        Assert.Equal([_merged], Directory.GetFiles(_directory));
        Assert.False(TraceFile.Merge(_directory, _merged));
        Assert.Equal("kept", File.ReadAllText(_merged));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"traceEvents\":[{\"ph\":\"X\"")]
    [InlineData("null")]
    [InlineData("{\"traceEvents\":null}")]
    [InlineData("{\"traceEvents\":[null]}")]
    [InlineData("{\"traceEvents\":[{\"ts\":\"now\"}]}")]
    [InlineData("{\"traceEvents\":[{\"ts\":1e309}]}")]
    [InlineData("{\"traceEvents\":[{\"ts\":1,\"ts\":2}]}")]
    [InlineData("{\"traceEvents\":[{\"ts\":1,\"name\":\"\\ud800\"}]}")]
    [InlineData("{\"traceEvents\":[{\"ts\":1,\"\\ud800\":1}]}")]
    public void Merge_AFileThatIsNoTrace_LeavesItOutAndMergesTheOthers(string text)
    {
        string broken = TraceFile.PathFor(_directory, 1);
        File.WriteAllText(broken, text);
        Train(0, steps: 4);
        var leftOut = new List<string>();

        Assert.True(TraceFile.Merge(_directory, _merged, leftOut.Add));
        Assert.Equal([$"a rank's trace is damaged and was left out ({broken})"], leftOut);
        Assert.Equal([_merged, broken], Directory.GetFiles(_directory).Order(StringComparer.Ordinal).OrderBy(file => file == broken));
        Assert.Equal([0], TraceContent.Read(_merged).Events.Select(item => item.Process).Distinct());
    }

    [Fact]
    public void Merge_TwoRanks_IsOneTimeLineThatNests()
    {
        Train(0, steps: 4);
        Train(1, steps: 4);
        Assert.True(TraceFile.Merge(_directory, _merged));
        Assert.Equal([_merged], Directory.GetFiles(_directory));

        var trace = TraceContent.Read(_merged);
        Assert.Equal(0, trace.Events.Min(item => item.Start), 3);
        trace.RequireNesting();
        Assert.Equal(["rank 0", "rank 1"], trace.Processes);
        foreach (int rank in (int[])[0, 1])
        {
            Assert.Equal(["step 2", "data", "forward", "backward", "step 3", "data", "forward", "backward"], trace.Names(rank, "training loop"));
            Assert.Equal(["AllReduce 400 kB", "Broadcast 400 kB", "AllReduce 400 kB", "Broadcast 400 kB"], trace.Names(rank, "communication default"));
            Assert.Equal(["Barrier", "Barrier"], trace.Names(rank, "communication default/1"));
        }
    }

    [Fact]
    public void Dispose_RunEndsWithinTheTracedSteps_WritesWhatThereIs()
    {
        Train(0, steps: 2);
        TraceFile.Merge(_directory, _merged);
        Assert.Equal(["step 2", "data", "forward", "backward"], TraceContent.Read(_merged).Names(0, "training loop"));
    }

    [Fact]
    public void Merge_NothingTraced_WritesNothing()
    {
        Train(0, steps: 1);
        Assert.False(TraceFile.Merge(_directory, _merged));
        Assert.Empty(Directory.GetFiles(_directory));
    }

    private void Train(int rank, int steps)
    {
        using var group = new ProcessGroupSingle();
        using var recorder = new TraceRecorder(rank, TraceFile.PathFor(_directory, rank), new TraceSteps(2, 3));
        using IDisposable observing = group.Observe(recorder);
        using ProcessGroup part = group.NewGroup([0])!;
        using Tensor tensor = zeros(100_000);
        for (int step = 0; step < steps; step++)
        {
            recorder.StartStep();
            recorder.StartStep(); // As at an epoch's end: nothing happened in between, so it is the same step.
            recorder.Lap("data");
            group.AllReduce(tensor);
            part.Barrier();
            recorder.Lap("forward");
            group.BroadcastAsync(tensor, 0).Wait();
            recorder.Lap("backward");
        }
    }
}
