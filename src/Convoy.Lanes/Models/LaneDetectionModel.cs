using Convoy.Torch.Nn;
using TorchSharp;
using static TorchSharp.torch.nn;
using static TorchSharp.torch;

namespace Convoy.Lanes.Models;

/// <summary>
/// The lane detector: a ResNet encoder under torchvision's names, Coordinate Attention on its deepest features, a light
/// U-Net decoder with skips to stride 4.
/// [N, 3, H, W] ImageNet-normalised images to [N, 2, ceil(H / 4), ceil(W / 4)] logits (class 0 background, class 1 lane), which
/// <see cref="Enlarge"/> brings to the image's size, as <see cref="Losses.LaneLoss"/> does by itself.
/// </summary>
/// <remarks>
/// The decoder is what keeps the total work within 1.35 times the encoder's at 800x360: every 3x3 convolution in it
/// runs at most 128 channels wide, and none runs at a finer stride than 4.
/// </remarks>
public sealed class LaneDetectionModel : Module<Tensor, Tensor>
{
    private readonly Module<Tensor, Tensor> conv1;
    private readonly Module<Tensor, Tensor> bn1;
    private readonly Module<Tensor, Tensor> layer1;
    private readonly Module<Tensor, Tensor> layer2;
    private readonly Module<Tensor, Tensor> layer3;
    private readonly Module<Tensor, Tensor> layer4;
    private readonly Module<Tensor, Tensor> attention;
    private readonly Module<Tensor, Tensor> bridge;
    private readonly Module<Tensor, Tensor, Tensor> up16;
    private readonly Module<Tensor, Tensor, Tensor> up8;
    private readonly Module<Tensor, Tensor, Tensor> up4;
    private readonly Module<Tensor, Tensor> head;

    /// <summary>Makes the model with fresh weights from torch's random generator (call <c>torch.manual_seed</c> before).</summary>
    /// <param name="encoder">The encoder's depth. Default <see cref="EncoderDepth.ResNet18"/>.</param>
    public LaneDetectionModel(EncoderDepth encoder = EncoderDepth.ResNet18)
        : base(nameof(LaneDetectionModel))
    {
        Encoder = encoder;
        int[] blocks = encoder switch
        {
            EncoderDepth.ResNet18 => [2, 2, 2, 2],
            EncoderDepth.ResNet34 => [3, 4, 6, 3],
            _ => throw new ArgumentOutOfRangeException(nameof(encoder), encoder, "Give ResNet18 or ResNet34."),
        };
        conv1 = Layers.Stem(3, 64);
        bn1 = BatchNorm2d(64);
        layer1 = Stage(64, 64, blocks[0], stride: 1);
        layer2 = Stage(64, 128, blocks[1], stride: 2);
        layer3 = Stage(128, 256, blocks[2], stride: 2);
        layer4 = Stage(256, 512, blocks[3], stride: 2);
        attention = new CoordinateAttention(512);
        bridge = Layers.Conv1x1(512, 128);
        up16 = new DecoderStage(128, 256, 128);
        up8 = new DecoderStage(128, 128, 64);
        up4 = new DecoderStage(64, 64, 64);
        head = Conv2d(64, 2, 1);
        RegisterComponents();
    }

    /// <summary>The encoder's depth.</summary>
    public EncoderDepth Encoder { get; }

    /// <summary>Brings logits to the size of the images, by bilinear interpolation.</summary>
    /// <param name="logits">[N, 2, h, w].</param>
    /// <param name="height">H.</param>
    /// <param name="width">W.</param>
    /// <returns>[N, 2, H, W], in the logits' type.</returns>
    public static Tensor Enlarge(Tensor logits, long height, long width) =>
        functional.interpolate(logits, [height, width], mode: InterpolationMode.Bilinear, align_corners: false);

    /// <inheritdoc/>
    public override Tensor forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        Tensor stride4 = layer1.call(bn1.CallReluMaxPool(conv1.call(images)));

        // Views, so that the gradients of a stage's two branches are added before that of the decoder, also where the stage is computed again in the backward pass. (alias() is no operation in TorchSharp.)
        Tensor stride8 = layer2.call(stride4.view(stride4.shape));
        Tensor stride16 = layer3.call(stride8.view(stride8.shape));
        Tensor stride32 = bridge.call(attention.call(layer4.call(stride16.view(stride16.shape))));
        Tensor features = up4.call(up8.call(up16.call(stride32, stride16), stride8), stride4);
        return head.call(features).MoveToOuterDisposeScope();
    }

    /// <summary>Another model of the same encoder with the same values, in the same mode.</summary>
    public LaneDetectionModel Copy()
    {
        var copy = new LaneDetectionModel(Encoder);
        using var scope = NewDisposeScope();
        using IDisposable noGradient = no_grad();
        Dictionary<string, Tensor> values = state_dict();
        copy.to(values["conv1.weight"].dtype);
        foreach ((string name, Tensor value) in copy.state_dict())
        {
            value.copy_(values[name]);
        }

        copy.train(training);
        return copy;
    }

    private static Module<Tensor, Tensor> Stage(long inChannels, long outChannels, int blocks, long stride)
    {
        var layers = new List<Module<Tensor, Tensor>> { new BasicBlock(inChannels, outChannels, stride) };
        for (int i = 1; i < blocks; i++)
        {
            layers.Add(new BasicBlock(outChannels, outChannels, 1));
        }

        return Sequential(layers);
    }
}
