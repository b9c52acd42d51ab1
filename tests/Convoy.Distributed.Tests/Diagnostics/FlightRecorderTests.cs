using Convoy.Distributed.Backends.Single;
using Convoy.Distributed.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.Diagnostics;

public sealed class FlightRecorderTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("convoy-flight-").FullName;
    private readonly ProcessGroupSingle _group = new();

    public void Dispose()
    {
        _group.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public void Operations_MoreThanItsCapacity_AreTheLast()
    {
        var recorder = new FlightRecorder(0, 1, capacity: 2);
        using IDisposable observing = _group.Observe(recorder);
        using Tensor tensor = zeros([2, 3]);
        _group.Barrier();
        _group.AllReduce(tensor, ReduceOp.Max);
        _group.BroadcastAsync(tensor, 0).Wait();

        Assert.Collection(
            recorder.Operations,
            record =>
            {
                Assert.Equal((2, "AllReduce([2, 3] Float32, Max)", "default", null), (record.Number, record.Call, record.Group, record.Error));
                Assert.True(record.QueuedSeconds <= record.StartedSeconds && record.StartedSeconds <= record.FinishedSeconds);
            },
            record => Assert.Equal((3, OperationKind.Broadcast), (record.Number, record.Kind)));
    }

    [Fact]
    public void Operations_OfASubGroup_AreRemembered()
    {
        var recorder = new FlightRecorder(0, 1);
        using IDisposable observing = _group.Observe(recorder);
        using ProcessGroup part = _group.NewGroup([0])!;
        part.Barrier();
        Assert.Equal(["default", "default/1"], recorder.Operations.Select(record => record.Group));
    }

    [Fact]
    public void Finished_OperationFails_WritesTheFileOnceBeforeTheCallerKnows()
    {
        using IDisposable observing = _group.Observe(new FlightRecorder(0, 1, _directory));
        using Tensor two = zeros(2), three = zeros(3);
        _group.Barrier();
        string message = Assert.Throws<CollectiveMismatchException>(() => _group.AllToAll([two], [three])).Message;

        FlightRecording recording = Assert.Single(FlightRecording.ReadAll(_directory));
        Assert.Equal((0, 1, Environment.ProcessId, message), (recording.Rank, recording.Size, recording.ProcessId, recording.Reason));
        Assert.Equal([null, message], recording.Operations.Select(record => record.Error));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("")]
    [InlineData("{\"rank\":0,\"size\":2,\"process_id\":1,\"time\":\"2026-01-01T00:00:00+00:00\",\"reason\":\"x\",\"operations\":[null]}")]
    [InlineData("{\"rank\":0,\"size\":2147483647,\"operations\":[]}")]
    [InlineData("{\"rank\":-1,\"size\":2,\"operations\":[]}")]
    [InlineData("{\"rank\":1,\"size\":2,\"operations\":[]}")]
    [InlineData("{\"rank\":0,\"size\":2,\"reason\":\"\\ud800\",\"operations\":[]}")]
    [InlineData("{\"rank\":0,\"size\":2,\"time\":\"9999-99-99\",\"operations\":[]}")]
    [InlineData("{\"rank\":0,\"size\":1e400,\"operations\":[]}")]
    [InlineData("{\"rank\":0,\"size\":2,\"operations\":[{\"group\":null,\"number\":1,\"kind\":\"Barrier\",\"call\":\"x\"}]}")]
    [InlineData("{\"rank\":0,\"size\":2,\"operations\":[{\"group\":\"g\",\"number\":1,\"kind\":99,\"call\":\"x\"}]}")]
    [InlineData("{\"rank\":0,\"size\":2,\"operations\":[{\"group\":\"g\",\"number\":-1,\"kind\":\"Barrier\",\"call\":\"x\"}]}")]
    [InlineData("{\"rank\":0,\"size\":2,\"operations\":[{\"group\":\"g\",\"number\":1,\"kind\":\"Barrier\",\"call\":\"\\ud800\"}]}")]
    [InlineData("{\"rank\":0,\"size\":2,\"operations\":[{\"group\":\"\\u001b[2J\",\"number\":1,\"kind\":\"Barrier\",\"call\":\"x\"}]}")]
    public void ReadAll_DamagedFile_IsPassedOverWithOneLineThatNamesIt(string content)
    {
        string file = FlightRecording.PathFor(_directory, 0);
        File.WriteAllText(file, content);
        new FlightRecorder(1, 2, _directory).Write("whole");

        var lines = new List<string>();
        Assert.Equal(1, Assert.Single(FlightRecording.ReadAll(_directory, lines.Add)).Rank);
        Assert.StartsWith($"a flight recorder file is damaged and was skipped ({file}: ", Assert.Single(lines), StringComparison.Ordinal);
        Assert.DoesNotContain('\n', lines[0]);
        Assert.Equal(["rank 0 left no recording: killed, stopped, or not at fault and still running."], FlightRecorderAnalysis.Read(_directory).Findings);
    }

    [Fact]
    public void Write_Twice_KeepsTheFirstReason()
    {
        var recorder = new FlightRecorder(0, 1, _directory);
        recorder.Write("first");
        recorder.Write("second");
        Assert.Equal("first", Assert.Single(FlightRecording.ReadAll(_directory)).Reason);
    }

    [Fact]
    public void Write_FolderCannotBeMade_DoesNotHideTheErrorThatItExplains()
    {
        string file = Path.Combine(_directory, "file");
        File.WriteAllText(file, string.Empty);
        var recorder = new FlightRecorder(0, 1, file);
        recorder.Write("x");
        Assert.IsAssignableFrom<IOException>(recorder.WriteError);
    }

    [Fact]
    public void ReadAll_BrokenFile_LeavesItOut()
    {
        new FlightRecorder(1, 2, _directory).Write("x");
        File.WriteAllText(FlightRecording.PathFor(_directory, 0), "{\"rank\":");
        Assert.Equal(1, Assert.Single(FlightRecording.ReadAll(_directory)).Rank);
    }
}
