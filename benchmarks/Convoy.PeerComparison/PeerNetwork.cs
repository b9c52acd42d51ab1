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
    /// <param name="encoder">The lane detector's encoder.</param>
    /// <exception cref="BadInputException">There is no network or encoder of this name.</exception>
    public static nn.Module<Tensor, Tensor> Create(string name, string encoder) => name switch
    {
        "lane" => new LaneDetectionModel(encoder switch
        {
            "resnet18" => EncoderDepth.ResNet18,
            "resnet34" => EncoderDepth.ResNet34,
            _ => throw new BadInputException("no such encoder", encoder, "Give resnet18 or resnet34."),
        }),
        "smooth" => new SmoothNetwork(),
        _ => throw new BadInputException("no such network", name, "Give lane or smooth."),
    };
}
