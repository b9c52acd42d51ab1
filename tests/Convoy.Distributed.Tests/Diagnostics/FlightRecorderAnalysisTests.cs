using Convoy.Distributed.Diagnostics;

namespace Convoy.Distributed.Tests.Diagnostics;

public class FlightRecorderAnalysisTests
{
    private const string A = "AllReduce([5] Float32, Sum)", B = "Broadcast([5] Float32, root 0)";

    [Fact]
    public void Findings_AllFinishedTheSame_AreNone() => Assert.Empty(Analyse(Rank(0, (A, true), (B, true)), Rank(1, (A, true), (B, true))));

    [Fact]
    public void Findings_RanksCallDifferentThings_NameTheFirstDifference() => Assert.Equal(
        ["rank 2 called Barrier() as operation 2 of group default while ranks 0, 1 called " + B + ". Every rank must call the same operations in the same order, with tensors of the same shape and type."],
        Analyse(Rank(0, (A, true), (B, false)), Rank(1, (A, true), (B, false)), Rank(2, (A, true), ("Barrier()", false))));

    [Fact]
    public void Findings_OneRankCalledLess_NameItAndItsLast() => Assert.Equal(
        [$"rank 1 is behind in group default: the last of rank 1 was operation 1, {A} (finished), while ranks 0, 2 reached operation 2, {B}."],
        Analyse(Rank(0, (A, true), (B, false)), Rank(1, (A, true)), Rank(2, (A, true), (B, false))));

    [Fact]
    public void Findings_ARankLeftNothing_SaySo() => Assert.Equal(
        [$"ranks 0, 2 did not finish operation 1 of group default, {A}.", "rank 1 left no recording: killed, stopped, or not at fault and still running."],
        Analyse(Rank(0, (A, false), size: 3), Rank(2, (A, false), size: 3)));

    [Fact]
    public void Findings_ARankCalledNothing_SaySo() => Assert.Equal(
        [$"rank 1 is behind in group default: rank 1 called nothing, while rank 0 reached operation 1, {A}."],
        Analyse(Rank(0, (A, false)), Rank(1, [])));

    [Fact]
    public void Findings_OldOperationsForgottenByOne_ComparesTheOthers()
    {
        FlightRecording one = Rank(0, (A, true), (B, true)), other = Rank(1, (A, true), (B, true));
        Assert.Empty(new FlightRecorderAnalysis([one with { Operations = [one.Operations[1]] }, other]).Findings);
    }

    [Fact]
    public void Findings_AGroupWithMessagesOnly_AreNone()
    {
        FlightRecording one = Rank(0, (A, true)), other = Rank(1, (A, true));
        var message = new FlightRecord("default/1", 1, OperationKind.Send, "Send([5] Float32, to rank 1)", 0, 0, null, 0.5, null);
        Assert.Empty(Analyse(one with { Operations = [.. one.Operations, message] }, other));
    }

    private static IReadOnlyList<string> Analyse(params FlightRecording[] recordings) =>
        new FlightRecorderAnalysis([.. recordings.Select(recording => recording with { Size = Math.Max(recording.Size, recordings.Length) })]).Findings;

    private static FlightRecording Rank(int rank, (string Call, bool Finished) first, int size) => Rank(rank, [first]) with { Size = size };

    private static FlightRecording Rank(int rank, params (string Call, bool Finished)[] calls) => new(rank, 0, 1, default, "x",
        [.. calls.Select((call, at) => new FlightRecord("default", at + 1, Enum.Parse<OperationKind>(call.Call.Split('(')[0]), call.Call, at, at, null, call.Finished ? at + 0.5 : null, null))]);
}
