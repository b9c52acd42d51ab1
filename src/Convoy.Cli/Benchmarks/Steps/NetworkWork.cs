using System.Text.Json.Serialization;
using Convoy.Lanes.Data;
using Convoy.Lanes.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Cli.Benchmarks.Steps;

/// <summary>The arithmetic of the network's convolutions for one image; what else it does is not counted.</summary>
/// <param name="Layers">One for each convolution, in the order of the forward pass.</param>
internal sealed record NetworkWork(IReadOnlyList<LayerWork> Layers)
{
    /// <summary>Floating-point operations of an image's forward pass.</summary>
    [JsonIgnore]
    public double ForwardFlops => Layers.Sum(layer => layer.ForwardFlops);

    /// <summary>Floating-point operations of an image's backward pass.</summary>
    [JsonIgnore]
    public double BackwardFlops => Layers.Sum(layer => layer.BackwardFlops);

    /// <summary>Counts the lane detector's.</summary>
    /// <param name="encoder">Its encoder.</param>
    /// <param name="size">The size of its input.</param>
    public static NetworkWork Of(EncoderDepth encoder, ImageSize size)
    {
        using DisposeScope scope = NewDisposeScope();
        using var network = new LaneDetectionModel(encoder);
        network.eval();
        return Of(network, [1, 3, size.Height, size.Width]);
    }

    /// <summary>Counts those of any network by running it once.</summary>
    /// <param name="network">The network; its hooks stay as they were.</param>
    /// <param name="input">The input's shape, of one image.</param>
    public static NetworkWork Of(nn.Module<Tensor, Tensor> network, long[] input)
    {
        var layers = new List<LayerWork>();
        var removals = new List<Action>();
        foreach ((string name, nn.Module module) in network.named_modules())
        {
            if (module is Conv2d convolution)
            {
                var hook = convolution.register_forward_hook((_, _, output) =>
                {
                    // The weights' shape is [out, in / groups, height, width]: each is used once for each position of the output.
                    double forward = 2.0 * output.shape[2] * output.shape[3] * convolution.weight.numel();
                    layers.Add(new LayerWork(name, forward, layers.Count == 0 ? forward : 2 * forward));
                    return output;
                });
                removals.Add(hook.remove);
            }
        }

        using (DisposeScope scope = NewDisposeScope())
        using (IDisposable noGradient = inference_mode())
        {
            network.call(zeros(input));
        }

        removals.ForEach(remove => remove());
        return new NetworkWork(layers);
    }
}
