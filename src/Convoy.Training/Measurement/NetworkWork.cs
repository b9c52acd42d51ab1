using Convoy.Torch.Nn;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Training.Measurement;

/// <summary>
/// Counts the arithmetic of a network in its first forward pass, by what its layers are defined as: convolutions and their transposes, linear layers, LSTMs and GRUs. What
/// else it does, products of activations among them, is not counted; nor is less counted where a layer's algorithm needs fewer operations.
/// </summary>
internal sealed class NetworkWork
{
    // Of the weights that multiply something, this share has to be in layers that are counted. Position embeddings and the like are not.
    private const double LeastCounted = 0.9;

    private readonly List<LayerWork> _layers = [];
    private readonly List<Action> _removals = [];
    private readonly HashSet<IntPtr> _counted = [];
    private readonly nn.Module _network;
    private readonly int _samples;

    private NetworkWork(nn.Module network, int samples) => (_network, _samples) = (network, samples);

    /// <summary>One for each layer, all its calls together, in the order of the forward pass, for one sample.</summary>
    public IReadOnlyList<LayerWork> Layers => _layers;

    /// <summary>Operations of a step for one sample, forward and backward; null when some of the network's weights are in layers that are not counted.</summary>
    public double? FlopsPerSample { get; private set; }

    /// <summary>Watches a network until <see cref="Complete"/>.</summary>
    /// <param name="network">The network; its own hooks stay as they are.</param>
    /// <param name="samples">Samples of its batch.</param>
    public static NetworkWork Count(nn.Module network, int samples)
    {
        var work = new NetworkWork(network, samples);
        foreach ((string name, nn.Module module) in network.named_modules().Prepend((string.Empty, network)))
        {
            switch (module)
            {
                case ConvTranspose1d or ConvTranspose2d or ConvTranspose3d:
                    work.Watch(name, (nn.Module<Tensor, Tensor>)module, OfInput);
                    break;
                case Conv1d or Conv2d or Conv3d or TunedConv2d or Linear:
                    work.Watch(name, (nn.Module<Tensor, Tensor>)module, OfOutput);
                    break;
                case LSTM lstm:
                    var lstmHook = lstm.register_forward_hook((layer, input, _, output) =>
                    {
                        work.AddRecurrent(name, layer, input);
                        return output;
                    });
                    work._removals.Add(lstmHook.remove);
                    break;
                case GRU gru:
                    var gruHook = gru.register_forward_hook((layer, input, _, output) =>
                    {
                        work.AddRecurrent(name, layer, input);
                        return output;
                    });
                    work._removals.Add(gruHook.remove);
                    break;
            }
        }

        return work;
    }

    /// <summary>The first forward pass is done: the hooks go.</summary>
    public void Complete()
    {
        _removals.ForEach(remove => remove());
        _removals.Clear();
        FlopsPerSample = _layers.Count > 0 && CountedShare() >= LeastCounted ? _layers.Sum(layer => layer.ForwardFlops + layer.BackwardFlops) : null;
    }

    private void Watch(string name, nn.Module<Tensor, Tensor> layer, Func<Tensor, Tensor, Tensor, double> positions)
    {
        var hook = layer.register_forward_hook((_, input, output) =>
        {
            Parameter weight = Matrices(layer).First();
            Add(name, layer, positions(weight, input, output) * weight.numel(), input.requires_grad);
            return output;
        });
        _removals.Add(hook.remove);
    }

    // [out, ...]: the weights of an output channel are used once for each of its positions.
    private static double OfOutput(Tensor weight, Tensor input, Tensor output) => (double)output.numel() / weight.shape[0];

    // [in, ...]: those of an input channel once for each of its positions.
    private static double OfInput(Tensor weight, Tensor input, Tensor output) => (double)input.numel() / weight.shape[0];

    // Every matrix once for each element of each sequence; a last dimension of the input is one element.
    private void AddRecurrent(string name, nn.Module layer, Tensor input) =>
        Add(name, layer, Matrices(layer).Sum(weight => (double)weight.numel()) * input.numel() / input.shape[^1], input.requires_grad);

    private void Add(string name, nn.Module layer, double multiplications, bool inputNeedsGradient)
    {
        Parameter[] weights = [.. Matrices(layer)];
        _counted.UnionWith(weights.Select(weight => weight.Handle));
        double forward = 2 * multiplications / _samples;
        var work = new LayerWork(name, forward, ((inputNeedsGradient ? 1 : 0) + (weights[0].requires_grad ? 1 : 0)) * forward);
        int before = _layers.FindIndex(layer => layer.Layer == name);
        if (before < 0)
        {
            _layers.Add(work);
        }
        else
        {
            _layers[before] = new LayerWork(name, _layers[before].ForwardFlops + forward, _layers[before].BackwardFlops + work.BackwardFlops);
        }
    }

    private double CountedShare()
    {
        // Tables that are looked up, and the scales of normalizations, multiply no matrix.
        HashSet<IntPtr> others = [.. _network.modules().Where(m => m is Embedding or EmbeddingBag or LayerNorm).SelectMany(m => m.parameters()).Select(p => p.Handle)];
        (IntPtr Handle, long Count)[] weights = [.. Matrices(_network).Select(p => (p.Handle, p.numel())).DistinctBy(p => p.Handle).Where(p => !others.Contains(p.Handle) || _counted.Contains(p.Handle))];
        return weights.Where(p => _counted.Contains(p.Handle)).Sum(p => (double)p.Count) / weights.Sum(p => (double)p.Count);
    }

    private static IEnumerable<Parameter> Matrices(nn.Module module) => module.parameters().Where(p => p.dim() >= 2);
}
