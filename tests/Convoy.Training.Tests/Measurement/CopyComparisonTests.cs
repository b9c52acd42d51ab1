using Convoy.Distributed;
using Convoy.Distributed.Backends.Single;
using Convoy.Training.Measurement;

namespace Convoy.Training.Tests.Measurement;

public sealed class CopyComparisonTests
{
    [Fact]
    public void Of_CopiesOfDifferentSpeed_CountsWhatBothDidAtTheSameTime()
    {
        // From 1.5 s, when the slow one has done its first update, to 3 s, when the fast one has done all: 1.5 and 1 updates of 4 samples each.
        CopyRound round = CopyRound.Of(8, ranks: [[2, 4, 6], [2, 4, 6]], copies: [[1, 2, 3], [1.5, 3, 4.5]], alone: [[1, 1.8, 2.6]]);

        Assert.Equal(4 * 2.5 / 1.5, round.Copies, 1e-12);
        Assert.Equal(8 / 1.5, round.InStep, 1e-12);
        Assert.Equal(2 * 4 / 0.8, round.Alone, 1e-12);
        Assert.Equal(4, round.Ranks, 1e-12);
    }

    [Fact]
    public void Of_CopiesOneAfterTheOther_Throws() =>
        Assert.Throws<DistributedException>(() => CopyRound.Of(8, [[1, 2], [1, 2]], copies: [[1, 2], [3, 4]], [[1, 2]]));

    [Fact]
    public void Run_RoundsOfOneRank_TakesTurnsInChangingOrder()
    {
        using var group = new ProcessGroupSingle();
        var time = new ManualTime();
        string turns = "";

        IReadOnlyList<CopyRound> rounds = new CopyComparison(group, 6, time).Run(2, () => Take('t', 3), () => Take('a', 2), CancellationToken.None);

        // Three updates a turn: together, apart, alone; then the other way round.
        Assert.Equal("tttaaaaaa" + "aaaaaattt", turns);
        Assert.Equal([new CopyRound(3, 3, 3, 2), new CopyRound(3, 3, 3, 2)], rounds);

        void Take(char turn, int seconds)
        {
            turns += turn;
            time.Pass(seconds);
        }
    }

    [Fact]
    public void Run_AskedToStop_EndsBeforeTheNextTurn()
    {
        using var group = new ProcessGroupSingle();
        using var stop = new CancellationTokenSource();
        var time = new ManualTime();

        IReadOnlyList<CopyRound> rounds = new CopyComparison(group, 6, time).Run(
            2,
            () =>
            {
                time.Pass(1);
                stop.Cancel();
            },
            () => throw new InvalidOperationException("It was asked to stop."),
            stop.Token);

        Assert.Empty(rounds);
    }
}
