using Convoy.Lanes.Losses;
using Convoy.Lanes.Models;
using Convoy.Torch.Amp;
using Convoy.Torch.Checkpointing;
using Convoy.Torch.Nn;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Lanes.Tests.Models;

public sealed class LaneDetectionModelTests
{
    private static readonly string[] BatchNormNames = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"];

    [Theory]
    [InlineData(EncoderDepth.ResNet18, 120, new[] { 2, 2, 2, 2 })]
    [InlineData(EncoderDepth.ResNet34, 216, new[] { 3, 4, 6, 3 })]
    public void StateDict_Encoder_HasExactlyTorchvisionsNames(EncoderDepth depth, int count, int[] blocks)
    {
        using var scope = NewDisposeScope();
        var model = new LaneDetectionModel(depth);
        string[] expected = [.. TorchvisionNames(blocks)];

        Assert.Equal(count, expected.Length);
        Assert.Equal(expected.Order(StringComparer.Ordinal), model.state_dict().Keys.Where(IsEncoder).Order(StringComparer.Ordinal));
        Assert.Contains("layer2.0.downsample.1.running_var", expected);
    }

    [Theory]
    [InlineData(EncoderDepth.ResNet18, 11_176_512)]
    [InlineData(EncoderDepth.ResNet34, 21_284_672)]
    public void Parameters_Encoder_AreAsManyAsTorchvisionsWithoutClassifier(EncoderDepth depth, long expected)
    {
        using var scope = NewDisposeScope();
        var model = new LaneDetectionModel(depth);

        Assert.Equal(expected, model.named_parameters().Where(p => IsEncoder(p.name)).Sum(p => p.parameter.numel()));
    }

    [Theory]
    [InlineData(2, 33, 47)]
    [InlineData(1, 64, 96)]
    [InlineData(1, 71, 129)]
    public void Forward_AnySize_GivesTwoLogitsAtStride4AndEnlargedForEachPixel(int images, int height, int width)
    {
        torch.set_num_threads(1);
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        var model = new LaneDetectionModel();
        model.eval();

        Tensor logits = model.call(randn(images, 3, height, width));

        Assert.Equal([images, 2, (height + 3) / 4, (width + 3) / 4], logits.shape);
        Assert.Equal([images, 2, height, width], LaneDetectionModel.Enlarge(logits, height, width).shape);
        Assert.True(logits.isfinite().all().item<bool>());
    }

    [Theory]
    [InlineData(false, FusedOperations.None)]
    [InlineData(false, FusedOperations.All)]
    [InlineData(true, FusedOperations.None)]
    [InlineData(true, FusedOperations.All)]
    public void Backward_BlocksComputedAgain_GivesTheSameBits(bool narrow, FusedOperations fuse)
    {
        torch.set_num_threads(1);
        float[][] plain = Gradients(checkpointed: false), again = Gradients(checkpointed: true);

        Assert.Equal(plain.Length, again.Length);
        Assert.All(plain.Zip(again), pair => Assert.Equal(pair.First, pair.Second));

        float[][] Gradients(bool checkpointed)
        {
            using var scope = NewDisposeScope();
            manual_seed(3);
            using var model = new LaneDetectionModel();
            Fusion.Apply(model, fuse);
            ChannelsLastWeights.Apply(model);
            if (checkpointed)
            {
                ActivationCheckpoint.Apply(model);
            }

            Tensor images = randn(2, 64, 96, 3).permute(0, 3, 1, 2);
            Tensor logits;
            using (Autocast? region = narrow ? Autocast.Enter(DeviceType.CPU, ScalarType.BFloat16) : null)
            {
                logits = model.call(images);
            }

            Tensor loss = logits.to(ScalarType.Float32).square().mean();
            loss.backward();
            return [[loss.item<float>()], .. model.parameters().Select(parameter => parameter.grad!.contiguous().data<float>().ToArray())];
        }
    }

    [Fact]
    public void Constructor_Convolutions_AreKaimingNormalOverFanOut()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(3);
        var model = new LaneDetectionModel();
        (string, Tensor)[] weights =
        [
            .. model.named_parameters()
                .Where(p => p.parameter.dim() == 4 && !p.name.Contains("conv_", StringComparison.Ordinal) && !p.name.StartsWith("head", StringComparison.Ordinal))
                .Select(p => (p.name, (Tensor)p.parameter)),
        ];

        // 20 of the encoder, the attention's shared one, the bridge, and three of the decoder.
        Assert.Equal(25, weights.Length);
        foreach ((string name, Tensor weight) in weights)
        {
            double n = weight.numel();
            double expected = Math.Sqrt(2.0 / (weight.shape[0] * weight.shape[2] * weight.shape[3]));
            Tensor values = weight.detach().to(ScalarType.Float64);
            double mean = values.mean().item<double>(), deviation = values.std().item<double>();

            // Five standard errors of each estimate.
            Assert.True(Math.Abs(mean) < 5 * expected / Math.Sqrt(n), $"{name}: mean {mean}");
            Assert.True(Math.Abs((deviation / expected) - 1) < 5 / Math.Sqrt(2 * n), $"{name}: deviation {deviation}, not {expected}");
        }
    }

    [Fact]
    public void Forward_800x360_CostsAtMost1_35TimesTheEncoder()
    {
        torch.set_num_threads(1);
        using var scope = NewDisposeScope();
        using IDisposable noGrad = inference_mode();
        var model = new LaneDetectionModel();
        model.eval();
        double encoder = 0, all = 0;
        foreach ((string name, nn.Module module) in model.named_modules())
        {
            if (module is Conv2d convolution)
            {
                convolution.register_forward_hook((_, _, output) =>
                {
                    double multiplyAdds = output.shape[0] * output.shape[2] * output.shape[3] * convolution.weight.numel();
                    all += multiplyAdds;
                    encoder += IsEncoder(name + ".weight") ? multiplyAdds : 0;
                    return output;
                });
            }
        }

        model.call(zeros(1, 3, 360, 800));

        // ResNet18 costs 1.82e9 at 224x224, in proportion to the area.
        Assert.InRange(encoder / (1.814e9 * 800 * 360 / (224 * 224)), 0.98, 1.05);
        TestContext.Current.SendDiagnosticMessage("multiply-adds: encoder {0:0.000}e9, all {1:0.000}e9, ratio {2:0.000}", encoder / 1e9, all / 1e9, all / encoder);
        Assert.InRange(all / encoder, 1, 1.35);
    }

    [Fact]
    public void Backward_OneBatch_ReachesEveryParameter()
    {
        torch.set_num_threads(1);
        using var scope = NewDisposeScope();
        random.manual_seed(1);
        var model = new LaneDetectionModel();
        model.train();
        var criterion = new LaneLoss();

        criterion.call(model.call(randn(2, 3, 64, 96)), randint(0, 2, [2, 64, 96], ScalarType.Int64)).backward();

        Assert.All(model.named_parameters(), p =>
        {
            Assert.True(p.parameter.grad is { } gradient && gradient.isfinite().all().item<bool>(), p.name);
            Assert.True(p.parameter.grad!.abs().sum().item<float>() > 0, p.name);
        });
    }

    private static bool IsEncoder(string name) =>
        name.StartsWith("conv1.", StringComparison.Ordinal) || name.StartsWith("bn1.", StringComparison.Ordinal) || name.StartsWith("layer", StringComparison.Ordinal);

    // As torchvision's resnet18().state_dict() lists them, without fc.
    private static List<string> TorchvisionNames(int[] blocks)
    {
        IEnumerable<string> ConvolutionAndNorm(string convolution, string norm) => [convolution + ".weight", .. BatchNormNames.Select(name => $"{norm}.{name}")];
        List<string> names = [.. ConvolutionAndNorm("conv1", "bn1")];
        for (int layer = 1; layer <= 4; layer++)
        {
            for (int block = 0; block < blocks[layer - 1]; block++)
            {
                string prefix = $"layer{layer}.{block}.";
                names.AddRange(ConvolutionAndNorm(prefix + "conv1", prefix + "bn1"));
                names.AddRange(ConvolutionAndNorm(prefix + "conv2", prefix + "bn2"));
                if (layer > 1 && block == 0)
                {
                    names.AddRange(ConvolutionAndNorm(prefix + "downsample.0", prefix + "downsample.1"));
                }
            }
        }

        return names;
    }
}
