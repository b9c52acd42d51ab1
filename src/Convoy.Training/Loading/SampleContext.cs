using System.Numerics;

namespace Convoy.Training.Loading;

/// <summary>
/// Which sample to prepare, and for which epoch. The result should depend on nothing else, so that a batch is the same whichever thread or
/// process prepares it.
/// </summary>
/// <param name="Index">The sample's index in its data set, from 0.</param>
/// <param name="Epoch">The epoch, from 0.</param>
/// <param name="Seed">The run's seed.</param>
public readonly record struct SampleContext(int Index, int Epoch, long Seed)
{
    /// <summary>Random numbers that follow from seed, epoch and index alone; the same ones with every call.</summary>
    public SampleRandom CreateRandom() => new(Seed, Epoch, Index);
}

/// <summary>
/// Random numbers that depend on a seed, an epoch and a sample's index alone: it does not matter which process or thread draws them, or in
/// which order samples are prepared.
/// </summary>
/// <remarks>
/// The generator is SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): a counter with the
/// golden-ratio step whose value is scrambled. It starts from the three numbers, scrambled one into the other.
/// </remarks>
public sealed class SampleRandom
{
    private const ulong Step = 0x9E3779B97F4A7C15;

    private ulong _counter;

    /// <param name="seed">The run's seed.</param>
    /// <param name="epoch">The epoch, from 0.</param>
    /// <param name="index">The sample's index in its data set.</param>
    public SampleRandom(long seed, int epoch, int index)
    {
        _counter = Scramble(unchecked((ulong)seed) + Step);
        _counter = Scramble(_counter ^ (unchecked((uint)epoch) + Step));
        _counter = Scramble(_counter ^ BitOperations.RotateLeft(unchecked((uint)index) + Step, 32));
    }

    /// <summary>The next number, uniform from 0 (included) to 1 (excluded), in steps of 2^-53.</summary>
    public double NextDouble()
    {
        _counter = unchecked(_counter + Step);
        return (Scramble(_counter) >> 11) * (1.0 / (1UL << 53));
    }

    /// <summary>The next number, uniform from -<paramref name="range"/> to <paramref name="range"/>.</summary>
    public double NextSymmetric(double range) => ((2 * NextDouble()) - 1) * range;

    /// <summary>The next whole number, uniform from 0 to below <paramref name="exclusiveMaximum"/>.</summary>
    /// <param name="exclusiveMaximum">At least 1.</param>
    public int NextInt32(int exclusiveMaximum)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(exclusiveMaximum, 1);
        return (int)(NextDouble() * exclusiveMaximum);
    }

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
