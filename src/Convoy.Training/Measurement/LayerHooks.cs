using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Training.Measurement;

/// <summary>Hooks on every module of a network that tell a <see cref="StepTimeline"/> which layer runs.</summary>
internal static class LayerHooks
{
    /// <summary>Watches the modules of <paramref name="network"/>, of one input or two.</summary>
    public static void Attach(nn.Module network, StepTimeline timeline)
    {
        foreach ((string name, nn.Module module) in network.named_modules().Prepend((string.Empty, network)))
        {
            string layer = name.Length == 0 ? "(network)" : name;
            switch (module)
            {
                case nn.Module<Tensor, Tensor> one:
                    one.register_forward_pre_hook((_, input) => Enter(timeline, layer, input));
                    one.register_forward_hook((_, _, output) => Leave(timeline, output));
                    break;
                case nn.Module<Tensor, Tensor, Tensor> two:
                    two.register_forward_pre_hook((_, first, second) => (Enter(timeline, layer, first), second));
                    two.register_forward_hook((_, _, _, output) => Leave(timeline, output));
                    break;
            }
        }
    }

    private static Tensor Enter(StepTimeline timeline, string layer, Tensor input)
    {
        timeline.EnterLayer(layer);
        return input;
    }

    private static Tensor Leave(StepTimeline timeline, Tensor output)
    {
        timeline.LeaveLayer();
        return output;
    }
}
