using Convoy.Torch.Kernels;

namespace Convoy.Torch.Convolution;

/// <summary>The ways to compute a convolution that this library has.</summary>
internal static class ConvolutionAlgorithms
{
    /// <summary>libtorch's, which can compute everything.</summary>
    public static IConvolutionAlgorithm Libtorch { get; } = new LibtorchAlgorithm(channelsLast: true);

    /// <summary>Winograd's, the fixed choice where it fits: its code is Convoy's own, so it gives the same bits on every processor.</summary>
    public static IConvolutionAlgorithm Winograd { get; } = new WinogradAlgorithm();

    /// <summary>oneDNN's products of small matrices.</summary>
    public static IConvolutionAlgorithm BlockProducts { get; } = new BlockProductAlgorithm();

    /// <summary>All of them.</summary>
    public static IReadOnlyList<IConvolutionAlgorithm> All { get; } =
    [
        Libtorch, new LibtorchAlgorithm(channelsLast: false), Winograd, new WinogradAlgorithm(VectorWidth.Bits256), BlockProducts, new WidenedAlgorithm(Libtorch), new WidenedAlgorithm(BlockProducts),
    ];

    /// <summary>The one of a name; null when there is none.</summary>
    public static IConvolutionAlgorithm? Find(string name) => All.FirstOrDefault(algorithm => algorithm.Name == name);

    /// <summary>Those to try for a pass on this processor.</summary>
    public static IEnumerable<IConvolutionAlgorithm> For(ConvolutionKey key) => All.Where(algorithm => algorithm.IsTried && algorithm.Supports(key.Shape, key.Dtype, key.Pass));

    /// <summary>The choice where nothing was measured, which is the same on every processor.</summary>
    public static IConvolutionAlgorithm FixedFor(ConvolutionKey key) =>
        Winograd.Supports(key.Shape, key.Dtype, key.Pass) && WinogradConvolution.IsWorthwhile(key.Shape) ? Winograd : Libtorch;
}
