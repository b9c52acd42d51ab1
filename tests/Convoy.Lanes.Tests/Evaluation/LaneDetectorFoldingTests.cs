using Convoy.Lanes.Data;
using Convoy.Lanes.Evaluation;
using Convoy.Lanes.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Lanes.Tests.Evaluation;

/// <summary>The folded network against the model itself in evaluation mode, with batch norms whose four vectors are far from 0 and 1.</summary>
public sealed class LaneDetectorFoldingTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public LaneDetectorFoldingTests() => torch.set_num_threads(1);

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(EncoderDepth.ResNet18, ScalarType.Float64, false, 1e-12)]
    [InlineData(EncoderDepth.ResNet34, ScalarType.Float64, true, 1e-12)]
    [InlineData(EncoderDepth.ResNet18, ScalarType.Float32, true, 3e-5)]
    [InlineData(EncoderDepth.ResNet34, ScalarType.Float32, false, 3e-5)]
    [InlineData(EncoderDepth.ResNet18, ScalarType.BFloat16, true, 0.05)]
    public void Logits_AnyImages_AreTheModels(EncoderDepth depth, ScalarType dtype, bool channelsLast, double tolerance)
    {
        LaneDetectionModel model = Model(depth);
        ScalarType reference = dtype == ScalarType.BFloat16 ? ScalarType.Float32 : dtype;
        model.to(reference);
        Tensor images = randn(2, 3, 71, 129, reference);
        using var folded = new LaneDetector(model, new ImageSize(129, 71), channelsLast, dtype);

        Tensor actual = folded.Logits(channelsLast ? images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2) : images);

        using IDisposable noGrad = no_grad();
        Tensor expected = LaneDetectionModel.Enlarge(model.call(images), 71, 129);
        Assert.Equal(reference, actual.dtype);
        Assert.Equal(expected.shape, actual.shape);
        double error = ((actual - expected).norm() / expected.norm()).to(ScalarType.Float64).item<double>();
        Assert.True(error <= tolerance, $"relative error {error:e1}");
    }

    [Fact]
    public void Constructor_Model_StaysAsItWasAndCanBeDisposed()
    {
        LaneDetectionModel model = Model(EncoderDepth.ResNet18);
        Dictionary<string, Tensor> before = model.state_dict().ToDictionary(entry => entry.Key, entry => entry.Value.clone());
        Tensor images = randn(1, 3, 64, 96);
        using var folded = new LaneDetector(model, new ImageSize(96, 64), channelsLast: false);

        Assert.All(model.state_dict(), entry => Assert.True(entry.Value.Equals(before[entry.Key]), entry.Key));
        Assert.All(model.state_dict(), entry => Assert.Equal(before[entry.Key].stride(), entry.Value.stride()));

        // Weights of its own, also where no batch norm is folded in.
        Tensor first = folded.Logits(images);
        using (IDisposable noGrad = no_grad())
        {
            Assert.All(model.parameters(), parameter => parameter.zero_());
        }

        model.Dispose();
        Assert.True(first.Equals(folded.Logits(images)));
        Assert.NotEqual(0, first.abs().sum().item<float>());
    }

    [Fact]
    public void Constructor_Float16_IsRefused()
    {
        LaneDetectionModel model = Model(EncoderDepth.ResNet18);
        Assert.Throws<ArgumentException>("dtype", () => new LaneDetector(model, new ImageSize(96, 64), channelsLast: false, ScalarType.Float16));
    }

    private static LaneDetectionModel Model(EncoderDepth depth)
    {
        random.manual_seed(5);
        var model = new LaneDetectionModel(depth);
        using IDisposable noGrad = no_grad();
        foreach ((string name, Tensor value) in model.state_dict())
        {
            if (name.EndsWith("running_mean", StringComparison.Ordinal) || (value.dim() == 1 && name.EndsWith(".bias", StringComparison.Ordinal)))
            {
                value.normal_(0, 0.3);
            }
            else if (name.EndsWith("running_var", StringComparison.Ordinal) || (value.dim() == 1 && name.EndsWith(".weight", StringComparison.Ordinal)))
            {
                value.uniform_(0.4, 1.6);
            }
        }

        model.eval();
        return model;
    }
}
