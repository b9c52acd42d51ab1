namespace Convoy.Lanes.Drawing.Roads;

/// <summary>
/// The random numbers of one drawn frame: SplitMix64, seeded with the data set's seed and the frame's index alone, so that a frame is the
/// same whichever thread draws it and however many frames there are.
/// </summary>
internal sealed class SceneRandom
{
    private ulong _state;

    public SceneRandom(long seed, long stream)
    {
        _state = Mix(unchecked((ulong)seed)) ^ Mix(unchecked(((ulong)stream * 0xD1342543DE82EF95UL) + 0x632BE59BD9B4E019UL));
    }

    /// <summary>A number in [0, 1).</summary>
    public double Next() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    /// <summary>A number in [<paramref name="low"/>, <paramref name="high"/>).</summary>
    public double Between(double low, double high) => low + ((high - low) * Next());

    /// <summary>A whole number in [<paramref name="low"/>, <paramref name="high"/>], both included.</summary>
    public int Whole(int low, int high) => low + (int)(Next() * (high - low + 1));

    /// <summary>True with the given probability.</summary>
    public bool Chance(double probability) => Next() < probability;

    /// <summary>A number around 0 with standard deviation <paramref name="deviation"/>, never more than 2.5 of them away.</summary>
    public double Normal(double deviation)
    {
        // The sum of six uniform numbers is nearly normal; the tails, which no road has, are cut off.
        double sum = Next() + Next() + Next() + Next() + Next() + Next() - 3;
        return Math.Clamp(sum * Math.Sqrt(2), -2.5, 2.5) * deviation;
    }

    /// <summary>One of <paramref name="values"/>.</summary>
    public T Pick<T>(params ReadOnlySpan<T> values) => values[Whole(0, values.Length - 1)];

    private ulong NextBits()
    {
        _state = unchecked(_state + 0x9E3779B97F4A7C15UL);
        return Mix(_state);
    }

    private static ulong Mix(ulong z)
    {
        unchecked
        {
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
            return z ^ (z >> 31);
        }
    }
}
