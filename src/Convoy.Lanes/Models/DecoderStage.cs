using Convoy.Torch.Nn;
using static TorchSharp.torch.nn;
using static TorchSharp.torch;

namespace Convoy.Lanes.Models;

/// <summary>
/// One step up of the U-Net decoder: the deeper features, doubled to the size of the encoder's features of that
/// stride, joined with them and convolved. Source: Ronneberger et al., "U-Net", 2015.
/// </summary>
public sealed class DecoderStage : Module<Tensor, Tensor, Tensor>
{
    private readonly Module<Tensor, Tensor> conv;
    private readonly Module<Tensor, Tensor> bn;
    private readonly Module<Tensor, Tensor, Tensor> join = new UpsampleConcat();

    /// <summary>Makes a stage.</summary>
    /// <param name="deepChannels">Channels of the deeper features, [N, deepChannels, h, w].</param>
    /// <param name="skipChannels">Channels of the encoder's features, [N, skipChannels, H, W].</param>
    /// <param name="outChannels">Channels of the output, [N, outChannels, H, W].</param>
    public DecoderStage(long deepChannels, long skipChannels, long outChannels)
        : base(nameof(DecoderStage))
    {
        conv = Layers.Conv3x3(deepChannels + skipChannels, outChannels);
        bn = BatchNorm2d(outChannels);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor deep, Tensor skip)
    {
        using var scope = NewDisposeScope();
        return bn.CallRelu(conv.call(join.call(deep, skip))).MoveToOuterDisposeScope();
    }
}
