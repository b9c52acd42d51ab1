using Convoy.Distributed;
using Convoy.Distributed.Nn;
using Convoy.Torch.Nn;
using static TorchSharp.torch;

namespace Convoy.Lanes.Training;

/// <summary>Makes a network ready to be trained as a run's options say. Before anything holds its parameters or lays out memory of its own.</summary>
internal static class TrainingNetwork
{
    /// <summary>Gives <paramref name="network"/> its batch norms, convolutions and memory format, and puts it into training mode.</summary>
    /// <param name="network">With the weights that it is to start from.</param>
    /// <param name="options">The run's settings.</param>
    /// <param name="group">The ranks.</param>
    /// <returns>The network to use from now on.</returns>
    public static nn.Module<Tensor, Tensor> Prepare(nn.Module<Tensor, Tensor> network, TrainingOptions options, ProcessGroup group)
    {
        if (options.SyncBn)
        {
            network = SyncBatchNorm.Convert(network, group);
        }

        Fusion.Apply(network, options.Fuse);
        if (options.ChannelsLast)
        {
            ChannelsLastWeights.Apply(network);
        }

        network.train();
        return network;
    }
}
