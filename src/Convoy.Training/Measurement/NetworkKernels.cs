using Convoy.Torch.Convolution;
using Convoy.Torch.Nn;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Training.Measurement;

/// <summary>Finds out in a network's first forward pass which kernel computes which pass of which convolution.</summary>
internal sealed class NetworkKernels
{
    private readonly List<(string Layer, TunedConv2d Convolution, ConvolutionShape Shape, bool InputNeedsGradient)> _calls = [];
    private readonly List<Action> _removals = [];

    private NetworkKernels()
    {
    }

    /// <summary>Watches a network until <see cref="Complete"/>.</summary>
    /// <param name="network">The network; its own hooks stay as they are.</param>
    public static NetworkKernels Watch(nn.Module network)
    {
        var kernels = new NetworkKernels();
        foreach ((string name, nn.Module module) in network.named_modules())
        {
            if (module is TunedConv2d convolution)
            {
                var hook = convolution.register_forward_hook((_, input, output) =>
                {
                    kernels._calls.Add((name, convolution, convolution.ShapeOf(input), input.requires_grad));
                    return output;
                });
                kernels._removals.Add(hook.remove);
            }
        }

        return kernels;
    }

    /// <summary>The first forward pass is done: the hooks go.</summary>
    /// <returns>A row for each pass of each layer, in the order of the forward pass.</returns>
    public IReadOnlyList<LayerKernel> Complete()
    {
        _removals.ForEach(remove => remove());
        _removals.Clear();
        return [.. _calls.SelectMany(call => Rows(call.Layer, call.Convolution, call.Shape, call.InputNeedsGradient))];
    }

    private static IEnumerable<LayerKernel> Rows(string layer, TunedConv2d convolution, ConvolutionShape shape, bool inputNeedsGradient)
    {
        // Nothing where the layer's input is none that kernels are chosen for, such as one that is contiguous.
        foreach ((ConvolutionKey key, string kernel) in convolution.Kernels.Used.Where(used => used.Key.Shape == shape).OrderBy(used => used.Key.Pass))
        {
            if (key.Pass != ConvolutionPass.InputGradient || inputNeedsGradient)
            {
                yield return new LayerKernel(layer, shape.ToString(), key.Pass.Name(), shape.Flops, kernel, convolution.Kernels.Table.Find(key)?.Seconds);
            }
        }
    }
}
