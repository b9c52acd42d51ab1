using Convoy.Torch.Autograd;
using Convoy.Torch.Convolution;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Torch.Nn;

/// <summary>
/// Makes a network that was written with plain modules fast: <c>Fusion.Apply(network, FusedOperations.All)</c>. Results are the same to rounding; parameters and buffers stay the same
/// tensors under the same names.
/// </summary>
public static class Fusion
{
    /// <summary>
    /// Puts modules that compute by Convoy's kernels in place of plain ones, everywhere inside <paramref name="network"/>. Before or after
    /// conversion to synchronized batch norm, in training mode or not, but before hooks are registered: those of a replaced module are lost.
    /// </summary>
    /// <param name="network">Any module. What is replaced must be held in fields, lists or dictionaries whose type also admits another module, such as <c>Module&lt;Tensor, Tensor&gt;</c>.</param>
    /// <param name="operations">
    /// <see cref="FusedOperations.Norm"/>: <c>BatchNorm1d</c>, <c>2d</c> and <c>3d</c> become <see cref="FusedBatchNorm"/>, and layers that are one already begin to do what follows them
    /// (<see cref="NormActivation"/>). <see cref="FusedOperations.Decoder"/>: <see cref="UpsampleConcat"/> becomes <see cref="FusedUpsampleConcat"/>.
    /// <see cref="FusedOperations.Convolution"/>: what <see cref="TunedConv2d"/> stands for becomes one. The others concern no network.
    /// </param>
    /// <param name="kernels">Name the convolutions' kernels; null, the default: the fixed choice.</param>
    /// <typeparam name="T">The network's type.</typeparam>
    /// <returns><paramref name="network"/>.</returns>
    /// <exception cref="ArgumentException">It is itself such a module, or one inside cannot be replaced, as its field is declared as, say, <c>BatchNorm2d</c>; the message names the field. Nothing was replaced.</exception>
    public static T Apply<T>(T network, FusedOperations operations, ConvolutionKernels? kernels = null)
        where T : nn.Module
    {
        ArgumentNullException.ThrowIfNull(network);

        // One guard for the whole network: the gradients of one layer, as large as its activations, give way to those of the next.
        var guard = new BackwardGuard();
        kernels ??= new ConvolutionKernels();
        if (Substitute(network, operations, kernels, guard) is { } substitute)
        {
            throw new ArgumentException($"a {network.GetType().Name} cannot become a {substitute.GetType().Name} in place. Give a network that holds it.", nameof(network));
        }

        ModuleReplacement.ReplaceAll(network, module => Substitute(module, operations, kernels, guard));
        if (operations.HasFlag(FusedOperations.Norm))
        {
            foreach (FusedBatchNorm norm in network.modules().Append(network).OfType<FusedBatchNorm>())
            {
                norm.FusesActivation = true;
            }
        }

        return network;
    }

    private static nn.Module? Substitute(nn.Module module, FusedOperations operations, ConvolutionKernels kernels, BackwardGuard guard) => module switch
    {
        BatchNorm norm when operations.HasFlag(FusedOperations.Norm) => new FusedBatchNorm(norm, guard),
        UpsampleConcat when operations.HasFlag(FusedOperations.Decoder) => new FusedUpsampleConcat(guard),
        Conv2d convolution when operations.HasFlag(FusedOperations.Convolution) && TunedConv2d.IsReplaceable(convolution) => new TunedConv2d(convolution, kernels, guard),
        _ => null,
    };
}
