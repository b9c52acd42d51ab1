namespace Convoy.Cli.Benchmarks.Steps;

/// <summary>The arithmetic of a convolution for one image, in floating-point operations (a multiplication and an addition are two).</summary>
/// <param name="Layer">The layer's name in the network.</param>
/// <param name="ForwardFlops">Forward.</param>
/// <param name="BackwardFlops">Backward: the gradients of the weights and, except in the first layer, of the input; each as much as forward.</param>
internal sealed record LayerWork(string Layer, double ForwardFlops, double BackwardFlops);
