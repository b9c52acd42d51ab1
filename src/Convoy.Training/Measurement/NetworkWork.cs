using Convoy.Torch.Nn;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Training.Measurement;

/// <summary>Counts the arithmetic of a network's convolutions in its first forward pass; what else it does is not counted.</summary>
internal sealed class NetworkWork
{
    private readonly List<LayerWork> _layers = [];
    private readonly List<Action> _removals = [];
    private readonly int _samples;

    private NetworkWork(int samples) => _samples = samples;

    /// <summary>One for each convolution, in the order of the forward pass, for one sample.</summary>
    public IReadOnlyList<LayerWork> Layers => _layers;

    /// <summary>Watches a network until <see cref="Complete"/>.</summary>
    /// <param name="network">The network; its own hooks stay as they are.</param>
    /// <param name="samples">Samples of its batch.</param>
    public static NetworkWork Count(nn.Module network, int samples)
    {
        var work = new NetworkWork(samples);
        foreach ((string name, nn.Module module) in network.named_modules())
        {
            if (module is Conv2d plain)
            {
                work.Watch(name, plain, plain.weight.numel(), spatialDimensions: 2);
            }
            else if (module is WinogradConv2d fast)
            {
                work.Watch(name, fast, fast.parameters().First().numel(), spatialDimensions: 2);
            }
        }

        return work;
    }

    /// <summary>The first forward pass is done: the hooks go.</summary>
    public void Complete()
    {
        _removals.ForEach(remove => remove());
        _removals.Clear();
    }

    // The weights' shape is [out, in / groups, height, width]: each is used once for each position of the output.
    private void Watch(string name, nn.Module<Tensor, Tensor> layer, long weights, int spatialDimensions)
    {
        var hook = layer.register_forward_hook((_, _, output) =>
        {
            double positions = output.shape[^spatialDimensions..].Aggregate(1.0, (product, size) => product * size) * output.shape[0] / _samples;
            double forward = 2.0 * positions * weights;
            _layers.Add(new LayerWork(name, forward, _layers.Count == 0 ? forward : 2 * forward));
            return output;
        });
        _removals.Add(hook.remove);
    }
}
