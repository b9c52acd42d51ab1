using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Convoy.PeerComparison;

/// <summary>
/// A small network whose output has a continuous derivative everywhere: convolutions, batch norm, softplus, tanh, bilinear
/// up-sampling, and neither ReLU nor max-pool. Two correct implementations may differ on it by rounding only.
/// [N, 3, H, W] images to [N, 2, H, W] logits; H and W are multiples of 4.
/// </summary>
internal sealed class SmoothNetwork : Module<Tensor, Tensor>
{
    private readonly Module<Tensor, Tensor> conv1;
    private readonly Module<Tensor, Tensor> bn1;
    private readonly Module<Tensor, Tensor> conv2;
    private readonly Module<Tensor, Tensor> bn2;
    private readonly Module<Tensor, Tensor> conv3;
    private readonly Module<Tensor, Tensor> bn3;
    private readonly Module<Tensor, Tensor> head;

    public SmoothNetwork()
        : base(nameof(SmoothNetwork))
    {
        conv1 = Conv2d(3, 16, 3, stride: 2, padding: 1, bias: false);
        bn1 = BatchNorm2d(16);
        conv2 = Conv2d(16, 32, 3, stride: 2, padding: 1, bias: false);
        bn2 = BatchNorm2d(32);
        conv3 = Conv2d(32, 32, 3, padding: 1, bias: false);
        bn3 = BatchNorm2d(32);
        head = Conv2d(32, 2, 1);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        Tensor stride2 = functional.softplus(bn1.call(conv1.call(images)));
        Tensor stride4 = bn2.call(conv2.call(stride2)).tanh();
        Tensor features = functional.softplus(bn3.call(conv3.call(stride4)));
        return functional
            .interpolate(head.call(features), [images.shape[2], images.shape[3]], mode: InterpolationMode.Bilinear, align_corners: false)
            .MoveToOuterDisposeScope();
    }
}
