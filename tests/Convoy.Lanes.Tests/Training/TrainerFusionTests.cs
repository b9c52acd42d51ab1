using Convoy.Distributed.Backends.Single;
using Convoy.Lanes.Data;
using Convoy.Lanes.Drawing.Roads;
using Convoy.Lanes.Models;
using Convoy.Lanes.Training;
using Convoy.Metrics;
using TorchSharp;

namespace Convoy.Lanes.Tests.Training;

public sealed class TrainerFusionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public TrainerFusionTests()
    {
        torch.set_num_threads(1);
        SyntheticDataset.Write(_folder.File("data"), new SyntheticOptions { Frames = 6, Size = new ImageSize(128, 72) }, cancellation: TestContext.Current.CancellationToken);
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(FusedOperations.Loss)]
    [InlineData(FusedOperations.Decoder)]
    [InlineData(FusedOperations.Loss | FusedOperations.Decoder)]
    public void Run_Fused_HasTheLossesOfPlainOperations(FusedOperations fused)
    {
        double[] expected = Losses("plain", FusedOperations.None, Precision.Fp32);
        double[] losses = Losses("fused", fused, Precision.Fp32);

        Assert.Equal(5, losses.Length);
        Assert.NotEqual(expected, losses); // Else nothing was fused.
        Assert.All(expected.Zip(losses), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
    }

    [Fact]
    public void Run_FusedBFloat16_LearnsAsPlainOperationsDo()
    {
        double[] expected = Losses("plain", FusedOperations.None, Precision.Bf16);
        double[] losses = Losses("fused", FusedOperations.Loss | FusedOperations.Decoder, Precision.Bf16);

        Assert.NotEqual(expected, losses);
        Assert.All(expected.Zip(losses), pair => Assert.Equal(pair.First, pair.Second, 0.02 * pair.First));
    }

    private double[] Losses(string name, FusedOperations fused, Precision precision)
    {
        var run = new RunDirectory(_folder.File(name));
        run.Create();
        var options = new TrainingOptions
        {
            Data = _folder.File("data"), ValSplit = 0, Nproc = 1, Threads = 1, ImageSize = new ImageSize(96, 64), BatchSize = 2, Steps = 5, Accumulate = 1,
            Workers = 0, CheckpointEvery = 0, Precision = precision, ChannelsLast = true, Fuse = fused,
        };
        using var group = new ProcessGroupSingle();
        using var trainer = new Trainer(options, run, group, TimeProvider.System);
        trainer.Run(new Progress<TrainingEvent>(), TestContext.Current.CancellationToken);
        return [.. StepMetricsLog.Read(run.MetricsLog(0)).Select(step => step.Loss)];
    }
}
