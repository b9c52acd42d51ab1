using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Torch.Convolution;

/// <summary>Times all kernels that can compute a pass of a convolution, by turns, and compares their results with float64.</summary>
/// <param name="time">The clock.</param>
/// <param name="together">Called before each turn: processes that compute at the same time wait for each other in it. Null, the default: there is one.</param>
public sealed class KernelComparison(TimeProvider time, Action? together = null)
{
    /// <summary>Compares, with libtorch's present number of threads.</summary>
    /// <param name="key">The pass and the sizes.</param>
    /// <param name="turns">Calls of each kernel that count; at least 1.</param>
    /// <returns>One for each kernel, libtorch's first.</returns>
    public IReadOnlyList<KernelTimes> Measure(ConvolutionKey key, int turns)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(turns, 1);
        IConvolutionAlgorithm[] algorithms = [.. ConvolutionAlgorithms.For(key)];
        double[] errors = Errors(key, algorithms);
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using var operands = new ConvolutionOperands(key);
        _ = operands.Time(algorithms, time); // takes memory from the system for the first time
        var seconds = new List<double[]>();
        for (int turn = 0; turn < turns; turn++)
        {
            together?.Invoke();
            seconds.Add(operands.Time(algorithms, time));
        }

        return [.. algorithms.Select((algorithm, i) => new KernelTimes(algorithm.Name, [.. seconds.Select(turn => turn[i])], errors[i]))];
    }

    // Of one image, since float64 takes its time.
    private static double[] Errors(ConvolutionKey key, IConvolutionAlgorithm[] algorithms)
    {
        using DisposeScope scope = NewDisposeScope();
        using var operands = new ConvolutionOperands(key with { Shape = key.Shape with { Batch = 1 } });
        Tensor exact = operands.Exact();
        double largest = exact.abs().max().item<double>();
        using IDisposable noGradient = no_grad();
        return [.. algorithms.Select(algorithm => (operands.Compute(algorithm).to(ScalarType.Float64) - exact).abs().max().item<double>() / largest)];
    }
}

/// <summary>What a kernel took for a pass, and how exact it was.</summary>
/// <param name="Kernel">Its name, of <see cref="KernelTable.Names"/>.</param>
/// <param name="Seconds">Each turn's time.</param>
/// <param name="Error">The largest difference from float64 over the largest element, for the first image.</param>
public sealed record KernelTimes(string Kernel, IReadOnlyList<double> Seconds, double Error);
