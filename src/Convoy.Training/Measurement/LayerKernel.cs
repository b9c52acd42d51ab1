using Convoy.Torch.Convolution;

namespace Convoy.Training.Measurement;

/// <summary>What computed a pass of a convolution in one process.</summary>
/// <param name="Layer">The layer's name in the network.</param>
/// <param name="Sizes">Its sizes in words, as <see cref="ConvolutionShape.ToString"/> has them.</param>
/// <param name="Pass">Which pass, in words.</param>
/// <param name="Flops">Its floating-point operations by the plain sum, for the process's whole batch.</param>
/// <param name="Kernel">The kernel that ran.</param>
/// <param name="Seconds">What this and the other kernels took when they were measured, the fastest ones in the median of turns; null where the choice was not measured.</param>
public sealed record LayerKernel(string Layer, string Sizes, string Pass, double Flops, string Kernel, IReadOnlyDictionary<string, double>? Seconds);
