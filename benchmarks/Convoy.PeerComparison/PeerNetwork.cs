using Convoy.Lanes.Models;
using Convoy.Training;
using static TorchSharp.torch;

namespace Convoy.PeerComparison;

/// <summary>The networks that exist on both sides, by name.</summary>
internal static class PeerNetwork
{
    /// <summary>Makes a network with fresh weights from torch's random generator.</summary>
    /// <param name="name"><c>lane</c> or <c>smooth</c>.</param>
    /// <param name="fused">What runs as one kernel, as in <c>convoy train</c>; the smooth network has nothing of it.</param>
    /// <exception cref="BadInputException">There is no network of this name.</exception>
    public static nn.Module<Tensor, Tensor> Create(string name, FusedOperations fused) => name switch
    {
        "lane" => new LaneDetectionModel(EncoderDepth.ResNet18, fused) { UpsampleLogits = !fused.HasFlag(FusedOperations.Loss) },
        "smooth" => new SmoothNetwork(),
        _ => throw new BadInputException("no such network", name, "Give lane or smooth."),
    };
}
