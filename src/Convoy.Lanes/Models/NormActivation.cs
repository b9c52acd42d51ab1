using Convoy.Distributed.Nn;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Convoy.Lanes.Models;

/// <summary>Batch norm with what follows it in a ResNet: as one operation where that is asked for and the layer can, else as several.</summary>
internal static class NormActivation
{
    /// <summary>relu(norm(input)).</summary>
    public static Tensor Relu(Module<Tensor, Tensor> norm, Tensor input, bool fused) =>
        fused && norm is SyncBatchNorm sync ? sync.NormalizeRelu(input) : norm.call(input).relu_();

    /// <summary>relu(norm(input) + shortcut).</summary>
    public static Tensor AddRelu(Module<Tensor, Tensor> norm, Tensor input, Tensor shortcut, bool fused) =>
        fused && norm is SyncBatchNorm sync ? sync.NormalizeRelu(input, shortcut) : norm.call(input).add_(shortcut).relu_();

    /// <summary>The stem's relu and max-pool of 3x3, stride 2, padding 1, behind batch norm.</summary>
    public static Tensor ReluMaxPool(Module<Tensor, Tensor> norm, Module<Tensor, Tensor> maxPool, Tensor input, bool fused) =>
        fused && norm is SyncBatchNorm sync ? sync.NormalizeReluMaxPool(input) : maxPool.call(norm.call(input).relu_());
}
