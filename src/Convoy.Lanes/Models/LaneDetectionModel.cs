using Convoy.Torch.Nn;
using TorchSharp;
using static TorchSharp.torch.nn;
using static TorchSharp.torch;

namespace Convoy.Lanes.Models;

/// <summary>
/// The lane detector: a ResNet encoder under torchvision's names, Coordinate Attention on its deepest features, a light
/// U-Net decoder with skips to stride 4, and a bilinear step to the image.
/// [N, 3, H, W] ImageNet-normalised images to [N, 2, H, W] logits (class 0 background, class 1 lane).
/// </summary>
/// <remarks>
/// The decoder is what keeps the total work within 1.35 times the encoder's at 800x360: every 3x3 convolution in it
/// runs at most 128 channels wide, and none runs at a finer stride than 4.
/// </remarks>
public sealed class LaneDetectionModel : Module<Tensor, Tensor>
{
    private readonly Module<Tensor, Tensor> conv1;
    private readonly Module<Tensor, Tensor> bn1;
    private readonly Module<Tensor, Tensor> maxpool;
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
    private readonly UpsampleConcat? _join;
    private readonly bool _fusedNorm;

    /// <summary>Makes the model with fresh weights from torch's random generator (call <c>torch.manual_seed</c> before).</summary>
    /// <param name="encoder">The encoder's depth. Default <see cref="EncoderDepth.ResNet18"/>.</param>
    /// <param name="fused">Which of its groups of operations run as one kernel; others are no concern of the model. Default none.</param>
    public LaneDetectionModel(EncoderDepth encoder = EncoderDepth.ResNet18, FusedOperations fused = FusedOperations.None)
        : base(nameof(LaneDetectionModel))
    {
        int[] blocks = encoder switch
        {
            EncoderDepth.ResNet18 => [2, 2, 2, 2],
            EncoderDepth.ResNet34 => [3, 4, 6, 3],
            _ => throw new ArgumentOutOfRangeException(nameof(encoder), encoder, "Give ResNet18 or ResNet34."),
        };
        conv1 = Layers.Stem(3, 64);
        bn1 = BatchNorm2d(64);
        maxpool = MaxPool2d(3, stride: 2, padding: 1);
        _fusedNorm = fused.HasFlag(FusedOperations.Norm);
        layer1 = Stage(64, 64, blocks[0], stride: 1, _fusedNorm);
        layer2 = Stage(64, 128, blocks[1], stride: 2, _fusedNorm);
        layer3 = Stage(128, 256, blocks[2], stride: 2, _fusedNorm);
        layer4 = Stage(256, 512, blocks[3], stride: 2, _fusedNorm);
        attention = new CoordinateAttention(512);
        bridge = Layers.Conv1x1(512, 128);
        _join = fused.HasFlag(FusedOperations.Decoder) ? new UpsampleConcat() : null;
        up16 = new DecoderStage(128, 256, 128, _join, _fusedNorm);
        up8 = new DecoderStage(128, 128, 64, _join, _fusedNorm);
        up4 = new DecoderStage(64, 64, 64, _join, _fusedNorm);
        head = Conv2d(64, 2, 1);
        RegisterComponents();
    }

    /// <summary>
    /// Whether the logits are brought to the images' size. Default true; false when the loss does that, and they stay at stride 4,
    /// [N, 2, ceil(H / 4), ceil(W / 4)].
    /// </summary>
    public bool UpsampleLogits { get; set; } = true;

    /// <inheritdoc/>
    public override Tensor forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        Tensor stride4 = layer1.call(NormActivation.ReluMaxPool(bn1, maxpool, conv1.call(images), _fusedNorm));
        Tensor stride8 = layer2.call(stride4);
        Tensor stride16 = layer3.call(stride8);
        Tensor stride32 = bridge.call(attention.call(layer4.call(stride16)));
        Tensor features = up4.call(up8.call(up16.call(stride32, stride16), stride8), stride4);
        Tensor logits = head.call(features);
        return (UpsampleLogits ? functional.interpolate(logits, [images.shape[2], images.shape[3]], mode: InterpolationMode.Bilinear, align_corners: false) : logits)
            .MoveToOuterDisposeScope();
    }

    /// <summary>Frees parameters and buffers.</summary>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _join?.Dispose();
        }

        base.Dispose(disposing);
    }

    private static Module<Tensor, Tensor> Stage(long inChannels, long outChannels, int blocks, long stride, bool fused)
    {
        var layers = new List<Module<Tensor, Tensor>> { new BasicBlock(inChannels, outChannels, stride, fused) };
        for (int i = 1; i < blocks; i++)
        {
            layers.Add(new BasicBlock(outChannels, outChannels, 1, fused));
        }

        return Sequential(layers);
    }
}
