using static TorchSharp.torch;

namespace Convoy.Training.Measurement;

/// <summary>What a process's arithmetic is measured against: the faster of libtorch's matrix products and, in float32, of the vector units themselves.</summary>
public static class ArithmeticPeak
{
    private static readonly TimeSpan Usual = TimeSpan.FromMilliseconds(300);

    /// <summary>Measures with libtorch's present number of threads. Processes that compute at the same time measure at the same time.</summary>
    /// <param name="type">The type in which convolutions and matrix products are computed.</param>
    /// <param name="duration">About how long; null for 0.3 s.</param>
    /// <returns>Floating-point operations a second of all threads.</returns>
    public static double FlopsPerSecond(ScalarType type, TimeSpan? duration = null)
    {
        TimeSpan whole = duration ?? Usual;
        return type == ScalarType.Float32
            ? Math.Max(MatrixMultiplyMeter.FlopsPerSecond(type, whole * 2 / 3), MultiplyAddMeter.FlopsPerSecond(get_num_threads(), whole / 3))
            : MatrixMultiplyMeter.FlopsPerSecond(type, whole);
    }
}
