using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Torch.Nn;

/// <summary>Lays a network's convolution weights with their channels innermost, as PyTorch's <c>module.to(memory_format=torch.channels_last)</c>, which TorchSharp lacks.</summary>
/// <remarks>
/// With images in channels-last order every convolution runs in it, also with contiguous weights, but then libtorch lays out each weight
/// anew in each forward pass. Values, names and shapes stay the same, and so do files of weights.
/// </remarks>
public static class ChannelsLastWeights
{
    /// <summary>Changes every parameter of four dimensions, in place: whoever holds the parameter sees the new layout. Do it before a wrapper or an optimizer lays out memory of its own.</summary>
    /// <param name="module">The network.</param>
    public static void Apply(nn.Module module)
    {
        ArgumentNullException.ThrowIfNull(module);
        using IDisposable noGrad = no_grad();
        foreach (TorchSharp.Modules.Parameter parameter in module.parameters())
        {
            if (parameter.dim() == 4)
            {
                using var scope = NewDisposeScope();
                parameter.set_(parameter.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2));
            }
        }
    }
}
