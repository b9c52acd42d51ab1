using System.Numerics;

namespace Convoy.Lanes.Data;

/// <summary>
/// Random numbers that depend on a seed, an epoch and a frame's index alone, so that it doesn't matter which process or
/// thread draws them, or in which order frames are prepared.
/// </summary>
/// <remarks>
/// The generator is SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): a counter
/// with the golden-ratio step whose value is scrambled. Its start is the three numbers scrambled one into the other.
/// </remarks>
internal struct CounterRandom
{
    private const ulong Step = 0x9E3779B97F4A7C15;

    private ulong _counter;

    /// <param name="seed">The run's seed.</param>
    /// <param name="epoch">The epoch, from 0.</param>
    /// <param name="frameIndex">The frame's index in its data set.</param>
    public CounterRandom(long seed, int epoch, int frameIndex)
    {
        _counter = Scramble(unchecked((ulong)seed) + Step);
        _counter = Scramble(_counter ^ (unchecked((uint)epoch) + Step));
        _counter = Scramble(_counter ^ BitOperations.RotateLeft(unchecked((uint)frameIndex) + Step, 32));
    }

    /// <summary>The next number, evenly from 0 (included) to 1 (excluded), in steps of 2^-53.</summary>
    public double NextDouble()
    {
        _counter = unchecked(_counter + Step);
        return (Scramble(_counter) >> 11) * (1.0 / (1UL << 53));
    }

    /// <summary>The next number, evenly from -<paramref name="range"/> to <paramref name="range"/>.</summary>
    public double NextAround(double range) => ((2 * NextDouble()) - 1) * range;

    private static ulong Scramble(ulong value)
    {
        unchecked
        {
            value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
            value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
            return value ^ (value >> 31);
        }
    }
}
