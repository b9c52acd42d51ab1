using Convoy.Lanes.Models;
using Convoy.Torch.Nn;
using Convoy.Training;
using static TorchSharp.torch;

namespace Convoy.PeerComparison;

/// <summary>The networks that exist on both sides, by name.</summary>
internal static class PeerNetwork
{
    /// <summary>Makes a network with fresh weights from torch's random generator.</summary>
    /// <param name="name"><c>lane</c> or <c>smooth</c>.</param>
    /// <exception cref="BadInputException">There is no network of this name.</exception>
    public static nn.Module<Tensor, Tensor> Create(string name) => name switch
    {
        "lane" => new LaneDetectionModel(),
        "smooth" => new SmoothNetwork(),
        _ => throw new BadInputException("no such network", name, "Give lane or smooth."),
    };
}
