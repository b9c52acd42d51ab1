using System.Text.Json.Nodes;
using Convoy.Distributed;
using Convoy.Distributed.Backends.Single;
using Convoy.Training.Checkpoints;
using Convoy.Training.Loops;
using static TorchSharp.torch;

namespace Convoy.Training.Tests.Loops;

public sealed class EarlyStoppingTests : IDisposable
{
    private readonly ProcessGroupSingle _alone = new();

    public void Dispose() => _alone.Dispose();

    [Theory]
    [InlineData(2, 0, false, new[] { 5.0, 4.0, 4.5, 3.0, 3.0, 3.5 }, 3.0)] // equal is no better
    [InlineData(1, 0, false, new[] { 5.0, 5.0 }, 5.0)]
    [InlineData(2, 0.5, false, new[] { 5.0, 4.75, 4.25, 4.0, 3.75 }, 4.25)] // the best is what counted, not the least
    [InlineData(2, 0, true, new[] { 0.5, 0.4, 0.6, 0.6, 0.1 }, 0.6)]
    [InlineData(2, 0.25, true, new[] { 0.5, 0.75, 0.75 }, 0.5)] // better by no more than the difference
    [InlineData(5, 0, false, new[] { 5.0, double.NaN }, 5.0)] // not finite: at once
    [InlineData(5, 0, true, new[] { 5.0, double.PositiveInfinity }, 5.0)]
    public void Check_OneValueAfterAnother_StopsAtTheLast(int patience, double minDelta, bool higherIsBetter, double[] values, double best)
    {
        var stopping = new EarlyStopping(_alone, patience, minDelta, higherIsBetter);

        bool[] stops = [.. values.Select(stopping.Check)];

        Assert.Equal([.. Enumerable.Repeat(false, values.Length - 1), true], stops);
        Assert.Equal(best, stopping.Best);
    }

    [Fact]
    public void IsImproved_OneValueAfterAnother_TellsTheBest()
    {
        var stopping = new EarlyStopping(_alone, patience: 9);
        var improved = new List<bool>();
        foreach (double value in (double[])[3, 2, 2.5, 1])
        {
            stopping.Check(value);
            improved.Add(stopping.IsImproved);
        }

        Assert.Equal([true, true, false, true], improved);
    }

    [Fact]
    public void LoadState_OfAnother_GoesOnAsItWould()
    {
        ICheckpointPart first = new EarlyStopping(_alone, patience: 2), second = new EarlyStopping(_alone, patience: 2), fresh = new EarlyStopping(_alone, patience: 2);
        ((EarlyStopping)first).Check(1);
        ((EarlyStopping)first).Check(2);
        second.LoadState(JsonNode.Parse(first.SaveState()!.ToJsonString()));

        // A value between: no better than 1, and the second of its kind.
        Assert.True(((EarlyStopping)second).Check(1.5));
        Assert.False(((EarlyStopping)fresh).Check(1.5));
        fresh.LoadState(JsonNode.Parse(((ICheckpointPart)new EarlyStopping(_alone)).SaveState()!.ToJsonString()));
        Assert.Equal(double.NaN, ((EarlyStopping)fresh).Best);
        Assert.Throws<BadInputException>(() => fresh.LoadState(null));
        Assert.Throws<BadInputException>(() => fresh.LoadState(JsonNode.Parse("[3]")));
    }

    [Theory]
    [InlineData(1.0, 1.0, true)]
    [InlineData(1.0, 1.0000000000000002, false)]
    [InlineData(double.NaN, double.NaN, true)]
    [InlineData(1.0, double.NaN, false)]
    [InlineData(-1.0, 1.0, false)]
    public void Check_TwoRanks_RequiresTheSameValue(double own, double other, bool agree)
    {
        using var pair = new PairGroup(other);
        var stopping = new EarlyStopping(pair);

        Exception? error = Record.Exception(() => stopping.Check(own));

        Assert.Equal(agree, error is null);
        Assert.True(agree || (error is InvalidOperationException && error.Message.StartsWith("the ranks have different values to decide on", StringComparison.Ordinal)));
    }

    [Fact]
    public void Make_BadNumbers_AreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new EarlyStopping(_alone, patience: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new EarlyStopping(_alone, minDelta: -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new EarlyStopping(_alone, minDelta: double.NaN));
    }

    /// <summary>Rank 0 of two, of which the other one has a planted value.</summary>
    private sealed class PairGroup(double other) : ProcessGroup(0, 2, TimeSpan.FromSeconds(60))
    {
        protected override void AllReduceCore(Tensor values, ReduceOp op)
        {
            Assert.Equal(ReduceOp.Max, op);
            long bits = BitConverter.DoubleToInt64Bits(other);
            using Tensor theirs = tensor([bits, ~bits], ScalarType.Int64), most = maximum(values, theirs);
            values.copy_(most);
        }
    }
}
