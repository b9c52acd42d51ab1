using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Cli.Benchmarks.Loading;

/// <summary>A fixed amount of arithmetic that stands for a training step: matrix products on libtorch's threads.</summary>
internal sealed class Computation : IDisposable
{
    private const int Size = 512;

    private readonly Tensor _a = ones(Size, Size).DetachFromDisposeScope();
    private readonly Tensor _b = ones(Size, Size).DetachFromDisposeScope();
    private readonly int _products;

    /// <param name="seconds">About how long it is to take when nothing else runs.</param>
    public Computation(double seconds)
    {
        Multiply(1); // the first one also lets libtorch choose its kernel
        long start = Stopwatch.GetTimestamp();
        int tried = 0;
        do
        {
            Multiply(1);
            tried++;
        }
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < Math.Min(seconds, 0.2));

        _products = Math.Max(1, (int)(tried * seconds / Stopwatch.GetElapsedTime(start).TotalSeconds));
    }

    /// <summary>Computes.</summary>
    /// <returns>The seconds that it took.</returns>
    public double Run()
    {
        long start = Stopwatch.GetTimestamp();
        Multiply(_products);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _a.Dispose();
        _b.Dispose();
    }

    private void Multiply(int times)
    {
        for (int i = 0; i < times; i++)
        {
            _a.matmul(_b).Dispose();
        }
    }
}
