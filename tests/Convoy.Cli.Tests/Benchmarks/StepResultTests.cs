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

    [Fact]
    public void ProfileOf_ALayerWhoseKernelsWereChosen_IsOneRowWithAllOfItsArithmetic()
    {
        StepRun run = Run(10, 10) with
        {
            Profile = [new ProfileRow("norm", "aten::mul", 5, 0), new ProfileRow("conv", "aten::conv2d", 1, 0), new ProfileRow("conv", OutsideOperators, 0.5, 2)],
            Operators = [],
            Kernels = [new LayerKernel("conv", "sizes", "forward", 1e9, "libtorch", null)],
        };

        StepProfile profile = StepProfile.From(run, images: 1, processes: 1);

        Assert.Equal(
            [new LayerTime("norm", "aten::mul", 5, 0, null, null), new LayerTime("conv", StepProfile.ChosenConvolution, 1.5, 2, 150, 0.75), new LayerTime(StepProfile.Rest, string.Empty, 1.5, 0, null, null)],
            profile.Layers);
    }

    [Fact]
    public void Convolutions_OfAMeasuredChoice_AreBesideThePeakOfOneProcessAndTheOthers()
    {
        var seconds = new Dictionary<string, double> { ["slow"] = 0.5, ["own"] = 0.1, ["other"] = 0.2 };
        StepRun run = Run(10, 10) with { Kernels = [new LayerKernel("conv", "sizes", "forward", 8e9, "own", seconds), new LayerKernel("conv", "sizes", "gradient of the input", 8e9, "libtorch", null)] };

        IReadOnlyList<ConvolutionPassTime> passes = StepResult.Summarize(Configuration, [run], 6, 1, 50e9).Convolutions;

        Assert.Equal(("own", 8, 0.1, 80), (passes[0].Kernel, passes[0].Gflop, passes[0].Seconds, passes[0].GflopPerSecond));
        Assert.Equal(0.8, passes[0].ShareOfPeak!.Value, 9); // of half of 200 GFLOP/s
        Assert.Equal([("other", 0.2), ("slow", 0.5)], passes[0].OtherSeconds!.Select(other => (other.Key, other.Value)));
        Assert.Equal((null, null, null), (passes[1].Seconds, passes[1].ShareOfPeak, passes[1].OtherSeconds));
        Assert.Equal("2 passes by own, 1 by libtorch", ConvolutionPassTime.Summarize([passes[0], passes[1], passes[0]]));
    }

    [Fact]
    public void States_OfRunsInBoth_GiveTheTimesOfEach()
    {
        StepRun[] runs = [Run(1, 1) with { ProbeBefore = 1e12, ProbeAfter = 0.9e12 }, Run(3, 3) with { ProbeBefore = 1e12, ProbeAfter = 0.4e12 }, Run(4, 4) with { ProbeBefore = 0.5e12, ProbeAfter = 0.4e12 }];

        MachineStates states = StepResult.Summarize(Configuration, runs, 6, 1, 50e9).States;
        MachineStates steady = StepResult.Summarize(Configuration, [runs[0]], 6, 1, 50e9).States;

        Assert.Equal((false, new StateTime(1, 1), new StateTime(2, 3.5)), (states.IsOneState, states.Fast, states.Other));
        Assert.Equal(
            "the machine was not in one state (a small matrix product ran at 400 to 1000 GFLOP/s around the runs): 1000.0 ms (1 run) in the fast state, 3500.0 ms (2 runs) otherwise. Compare times of one state only.",
            states.Warning());
        Assert.Equal((true, null), (steady.IsOneState, steady.Warning()));
    }

    private static StepRun Run(params double[] seconds) => new(
        [.. seconds.Select((s, i) => new StepMetrics { Timestamp = default, Rank = 0, Step = i + 1, Loss = 0, BatchSize = 6, LearningRate = 0, ElapsedTime = 0, StepTime = s })],
        PeakFlopsPerSecond: 200e9, MemoryPeakBytes: 7, Work: [new LayerWork("conv", 50e9, 100e9)], Profile: null, Operators: null);
}
