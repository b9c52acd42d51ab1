using Convoy.Torch.Nn;
using TorchSharp;
using static TorchSharp.torch.nn;
using static TorchSharp.torch;

namespace Convoy.Lanes.Models;

/// <summary>
/// ResNet's two-convolution residual block, under torchvision's names (<c>conv1, bn1, conv2, bn2, downsample.0,
/// downsample.1</c>). Source: He et al., "Deep Residual Learning for Image Recognition", 2015.
/// </summary>
public sealed class BasicBlock : Module<Tensor, Tensor>
{
    private readonly Module<Tensor, Tensor> conv1;
    private readonly Module<Tensor, Tensor> bn1;
    private readonly Module<Tensor, Tensor> conv2;
    private readonly Module<Tensor, Tensor> bn2;
    private readonly Module<Tensor, Tensor>? downsample;

    /// <summary>Makes a block from <paramref name="inChannels"/> to <paramref name="outChannels"/>.</summary>
    /// <param name="inChannels">Channels of the input, [N, inChannels, H, W].</param>
    /// <param name="outChannels">Channels of the output, [N, outChannels, ceil(H / stride), ceil(W / stride)].</param>
    /// <param name="stride">1, or 2 to halve the resolution.</param>
    public BasicBlock(long inChannels, long outChannels, long stride)
        : base(nameof(BasicBlock))
    {
        conv1 = Layers.Conv3x3(inChannels, outChannels, stride);
        bn1 = BatchNorm2d(outChannels);
        conv2 = Layers.Conv3x3(outChannels, outChannels);
        bn2 = BatchNorm2d(outChannels);
        if (stride != 1 || inChannels != outChannels)
        {
            downsample = Sequential(Layers.Conv1x1(inChannels, outChannels, stride), BatchNorm2d(outChannels));
        }

        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor features = conv2.call(bn1.CallRelu(conv1.call(input)));
        Tensor shortcut = downsample is null ? input : downsample.call(input);
        return bn2.CallAddRelu(features, shortcut).MoveToOuterDisposeScope();
    }
}
