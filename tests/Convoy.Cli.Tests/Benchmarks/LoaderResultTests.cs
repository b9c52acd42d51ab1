using Convoy.Cli.Benchmarks.Loading;

namespace Convoy.Cli.Tests.Benchmarks;

public sealed class LoaderResultTests
{
    private static readonly LoaderSample[] Samples =
    [
        new(FrameSeconds: 0.01, FrameCpuSeconds: 0.02, StepDelaySeconds: 0.003, WaitSeconds: 0.001, MemoryBytes: 5),
        new(FrameSeconds: 0.02, FrameCpuSeconds: 0.04, StepDelaySeconds: 0.001, WaitSeconds: 0.002, MemoryBytes: 9),
        new(FrameSeconds: 0.04, FrameCpuSeconds: 0.05, StepDelaySeconds: 0.002, WaitSeconds: 0.003, MemoryBytes: 7),
    ];

    [Fact]
    public void Of_Rounds_IsTheirMediansAndWhatIsHidden()
    {
        LoaderResult result = LoaderResult.Summarize(new LoaderStrategy(LoaderStrategy.Jpeg, 3, true), Samples, directDelay: 0.008);

        Assert.Equal((50, 25, 100), (result.FramesPerSecond, result.SlowestFramesPerSecond, result.FastestFramesPerSecond));
        Assert.Equal(25, result.FramesPerSecondPerCore, 9);
        Assert.Equal(0.75, result.HiddenShare, 9);
        Assert.Equal((0.002, 9), (result.WaitSeconds, result.MemoryBytes));
    }

    [Fact]
    public void Of_TheDirectStrategyItself_HidesNothing() =>
        Assert.Equal(0, LoaderResult.Summarize(new LoaderStrategy(LoaderStrategy.Jpeg, 0, true), Samples, LoaderResult.Delay(Samples)).HiddenShare, 9);

    [Fact]
    public void All_Strategies_AreBothSourcesWithAndWithoutWorkersAndChanges() => Assert.Equal(
        8, LoaderStrategy.All(3).Distinct().Count(s => s.Source is LoaderStrategy.Jpeg or LoaderStrategy.Cache && s.Workers is 0 or 3));
}
