using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Convoy.Lanes.Models;

/// <summary>
/// Weighs each channel by where it responds along each axis: [N, C, H, W] to the same shape.
/// Source: Hou, Zhou and Feng, "Coordinate Attention for Efficient Mobile Network Design", CVPR 2021.
/// </summary>
public sealed class CoordinateAttention : Module<Tensor, Tensor>
{
    private readonly Module<Tensor, Tensor> conv1;
    private readonly Module<Tensor, Tensor> bn1;
    private readonly Module<Tensor, Tensor> conv_h;
    private readonly Module<Tensor, Tensor> conv_w;

    /// <summary>Makes the attention for <paramref name="channels"/> channels.</summary>
    /// <param name="channels">C of the input.</param>
    /// <param name="reduction">By how much the shared layer is narrower than the input; it keeps at least 8 channels. Default 32, the paper's.</param>
    public CoordinateAttention(long channels, long reduction = 32)
        : base(nameof(CoordinateAttention))
    {
        long hidden = Math.Max(8, channels / reduction);
        conv1 = Layers.Conv1x1(channels, hidden);
        bn1 = BatchNorm2d(hidden);
        conv_h = Conv2d(hidden, channels, 1);
        conv_w = Conv2d(hidden, channels, 1);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        long height = input.shape[2], width = input.shape[3];
        Tensor alongHeight = input.mean([3], keepdim: true);
        Tensor alongWidth = input.mean([2], keepdim: true).transpose(2, 3);
        Tensor shared = functional.hardswish(bn1.call(conv1.call(cat([alongHeight, alongWidth], 2))));
        Tensor rows = conv_h.call(shared.narrow(2, 0, height)).sigmoid_();
        Tensor columns = conv_w.call(shared.narrow(2, height, width).transpose(2, 3)).sigmoid_();
        return (input * ChannelsLast(rows) * ChannelsLast(columns)).MoveToOuterDisposeScope();
    }

    // Weights whose channels do not lie together, as the input's do, take libtorch several times as long to multiply by.
    private static Tensor ChannelsLast(Tensor weights) => weights.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
}
