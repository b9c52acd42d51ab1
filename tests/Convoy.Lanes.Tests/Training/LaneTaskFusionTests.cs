using Convoy.Lanes.Data;
using Convoy.Torch.Nn;
using Convoy.Torch.Serialization;
using Convoy.Training.Checkpoints;
using Convoy.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Lanes.Tests.Training;

public sealed class LaneTaskFusionTests : IDisposable
{
    private readonly LaneRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    /// <summary>
    /// The first step's losses differ by the rounding of one pass. Its gradients do so too, by 6e-7 of their norm; where a ReLU's input is
    /// so near zero that rounding decides its sign, by 3e-3 (seen without AVX2). AdamW makes whole steps of what rounding leaves in gradients
    /// near zero: later losses (up to 5e-4 apart) show only that training goes the same way. How exact an operation is, its own tests show.
    /// </summary>
    [Theory]
    [Trait("Repeats", "more")]
    [InlineData(FusedOperations.Loss)]
    [InlineData(FusedOperations.Decoder)]
    [InlineData(FusedOperations.Loss | FusedOperations.Decoder)]
    public void Run_Fused_HasTheLossesOfPlainOperations(FusedOperations fused)
    {
        Repetitions.RequireAllUnless(fused == (FusedOperations.Loss | FusedOperations.Decoder));
        using DisposeScope scope = NewDisposeScope();
        RunDirectory plainUpdate = Train("plain-update", FusedOperations.None, Precision.Fp32, 1), fusedUpdate = Train("fused-update", fused, Precision.Fp32, 1);
        double[] expected = LaneRuns.Losses(Train("plain", FusedOperations.None, Precision.Fp32, 5));
        double[] losses = LaneRuns.Losses(Train("fused", fused, Precision.Fp32, 5));

        Assert.Equal(5, losses.Length);
        Tensor expectedGradients = Gradients(plainUpdate);
        double difference = ((expectedGradients - Gradients(fusedUpdate)).norm() / expectedGradients.norm()).item<double>();
        Assert.True(difference > 0, "nothing was fused");
        Assert.True(difference < 0.02, $"the gradients differ by {difference:e1} of their norm");
        Assert.Equal(expected[0], losses[0], 2e-6 * expected[0]);
        Assert.All(expected.Zip(losses), pair => Assert.Equal(pair.First, pair.Second, 5e-3 * pair.First));
    }

    [Fact]
    public void Run_FusedBFloat16_LearnsAsPlainOperationsDo()
    {
        double[] expected = LaneRuns.Losses(Train("plain", FusedOperations.None, Precision.Bf16, 5));
        double[] losses = LaneRuns.Losses(Train("fused", FusedOperations.Loss | FusedOperations.Decoder, Precision.Bf16, 5));

        Assert.NotEqual(expected, losses);
        Assert.All(expected.Zip(losses), pair => Assert.Equal(pair.First, pair.Second, 0.02 * pair.First));
    }

    // After one update the mean of the gradients is a tenth of them.
    private static Tensor Gradients(RunDirectory run)
    {
        Dictionary<string, Tensor> state = SafetensorsFile.Read(Path.Combine(Checkpoint.Latest(run.Checkpoints)!.Folder, "optimizer.safetensors"));
        return cat([.. state.Where(entry => entry.Key.EndsWith(".exp_avg", StringComparison.Ordinal)).OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => entry.Value.reshape(-1).to(float64) * 10)]);
    }

    private RunDirectory Train(string name, FusedOperations fused, Precision precision, int steps) => _runs.Train(
        name, _runs.Task with { ImageSize = new ImageSize(96, 64) }, LaneRuns.Options with { Steps = steps, Precision = precision, ChannelsLast = true, Fuse = fused });
}
