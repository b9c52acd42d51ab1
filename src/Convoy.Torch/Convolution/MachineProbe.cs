using static TorchSharp.torch;

namespace Convoy.Torch.Convolution;

/// <summary>
/// Tells how fast the machine is just now, by a small matrix product. Cores that are rented out change between a fast and a slow state, in which the same convolution takes
/// two to three times as long, so times are compared only where this gives about the same before and after.
/// </summary>
public sealed class MachineProbe
{
    private const int Rows = 512, Terms = 512, Columns = 256;
    private const double Flops = 2.0 * Rows * Terms * Columns;

    // Between the two states lies a factor of two and more; what one state varies by is less than this.
    private const double Steady = 1.3;

    private readonly TimeProvider _time;
    private readonly ScalarType _dtype;

    /// <summary>Makes a probe, of the type in which this machine multiplies faster.</summary>
    /// <param name="time">The clock.</param>
    public MachineProbe(TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        _time = time;
        _dtype = Measure(ScalarType.BFloat16) > Measure(ScalarType.Float32) ? ScalarType.BFloat16 : ScalarType.Float32;
    }

    /// <summary>The slowest that was seen, FLOP/s; infinite before the first.</summary>
    public double Slowest { get; private set; } = double.PositiveInfinity;

    /// <summary>The fastest that was seen, FLOP/s; 0 before the first.</summary>
    public double Fastest { get; private set; }

    /// <summary>What a matrix product runs at now. Takes about a millisecond.</summary>
    public double FlopsPerSecond()
    {
        double speed = Measure(_dtype);
        (Slowest, Fastest) = (Math.Min(Slowest, speed), Math.Max(Fastest, speed));
        return speed;
    }

    /// <summary>Whether the machine was in one state at two times.</summary>
    /// <param name="before">What <see cref="FlopsPerSecond"/> gave.</param>
    /// <param name="after">What it gave later.</param>
    public static bool IsSameState(double before, double after) => Math.Max(before, after) <= Steady * Math.Min(before, after);

    // The second of two, so that neither compilation nor what another program left in the caches counts.
    private double Measure(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        Tensor a = ones([Rows, Terms], dtype), b = ones([Terms, Columns], dtype);
        mm(a, b);
        long start = _time.GetTimestamp();
        mm(a, b);
        return Flops / Math.Max(1e-9, _time.GetElapsedTime(start).TotalSeconds);
    }
}
