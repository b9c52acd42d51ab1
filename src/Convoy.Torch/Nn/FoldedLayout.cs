using static TorchSharp.torch;

namespace Convoy.Torch.Nn;

/// <summary>How a folded network's weights lie in memory.</summary>
/// <param name="Dtype">float32, bfloat16 or float64.</param>
/// <param name="ChannelsLast">Whether channels are innermost.</param>
public sealed record FoldedLayout(ScalarType Dtype, bool ChannelsLast)
{
    /// <summary>A copy of <paramref name="weight"/> [K, C, H, W] in this layout.</summary>
    public Tensor Weight(Tensor weight)
    {
        Tensor copy = weight.to(Dtype, copy: true);
        return ChannelsLast ? copy.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2) : copy.contiguous();
    }
}
