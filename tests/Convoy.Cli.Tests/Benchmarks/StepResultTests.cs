using Convoy.Cli.Benchmarks.Steps;
using Convoy.Metrics;
using Convoy.Training.Measurement;

namespace Convoy.Cli.Tests.Benchmarks;

public sealed class StepResultTests
{
    private const string OutsideOperators = "(outside operators)";

    private static readonly StepConfiguration Configuration = new(2, 1, "fp32", true, "none", SyncBn: true);

    [Fact]
    public void Of_Runs_IsTheMedianOfRunsOfUpdates()
    {
        // Updates of two steps: 2 s and 4 s make 3, and 3, 3, 9 is 3 in the median.
        StepRun[] runs = [Run(2, 4, 3, 3, 8, 10), Run(1, 1), Run(4, 6)];

        StepResult result = StepResult.Summarize(Configuration, runs, batchSize: 6, stepsPerUpdate: 2, flopsPerImage: 50e9);

        Assert.Equal([3.0, 1, 5], result.RunSeconds);
        Assert.Equal((3, 1, 5), (result.MedianSeconds, result.FastestSeconds, result.SlowestSeconds));
        Assert.Equal(2, result.ImagesPerSecond);
        Assert.Equal(100, result.GflopPerSecond, 9); // 6 x 50 GFLOP in 3 s
        Assert.Equal(0.5, result.ShareOfPeak, 9);
        Assert.Equal(1.5, result.AtPeakSeconds, 9);
        Assert.Equal(4.2, result.Phases.Step, 9); // 42 s in 10 steps
        Assert.Equal(7, result.MemoryPeakBytes);
    }

    [Fact]
    public void ProfileOf_ARun_SetsConvolutionsBesideThePeakOfOneProcessAndAddsTheRest()
    {
        StepRun run = Run(10, 10) with
        {
            Profile = [new ProfileRow("conv", "aten::conv2d", 2, 3), new ProfileRow("conv", OutsideOperators, 1, 0)],
            Operators = [],
        };

        StepProfile profile = StepProfile.From(run, images: 3, processes: 2);

        Assert.Equal(
            [
                new LayerTime("conv", "aten::conv2d", 2, 3, 450, 4.5), // at half of 200 GFLOP/s
                new LayerTime("conv", OutsideOperators, 1, 0, null, null),
                new LayerTime(StepProfile.Rest, string.Empty, 4, 0, null, null),
            ],
            profile.Layers);
    }

    private static StepRun Run(params double[] seconds) => new(
        [.. seconds.Select((s, i) => new StepMetrics { Timestamp = default, Rank = 0, Step = i + 1, Loss = 0, BatchSize = 6, LearningRate = 0, ElapsedTime = 0, StepTime = s })],
        PeakFlopsPerSecond: 200e9, MemoryPeakBytes: 7, Work: [new LayerWork("conv", 50e9, 100e9)], Profile: null, Operators: null);
}
