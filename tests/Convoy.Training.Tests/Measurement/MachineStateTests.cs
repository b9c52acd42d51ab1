using Convoy.Training.Measurement;

namespace Convoy.Training.Tests.Measurement;

public sealed class MachineStateTests
{
    [Fact]
    public void Of_SpeedsOfTwoStates_GivesBothAndTheShareOfTheSlowOne()
    {
        double[] speeds = [.. Enumerable.Repeat(1000e9, 15), .. Enumerable.Repeat(400e9, 5)];

        Assert.Equal(new MachineState(1000, 400, IsOneState: false, SlowShare: 0.25), MachineState.Of(speeds));
    }

    [Fact]
    public void Of_OneStateWithAnOutlier_IsOneState()
    {
        double[] speeds = [.. Enumerable.Range(0, 19).Select(i => (100 + i) * 1e9), 1e9];

        Assert.Equal((true, 0.05), (MachineState.Of(speeds).IsOneState, MachineState.Of(speeds).SlowShare));
    }
}
