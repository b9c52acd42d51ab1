namespace Convoy.Stress.Mutants.Mutations;

/// <summary>Random choices that are the same for the same seed (SplitMix64), whatever the version of .NET.</summary>
internal sealed class Chance(ulong seed)
{
    private ulong _state = seed;

    /// <summary>A chance of its own for a mutant of a trial.</summary>
    public static Chance Of(int seed, int number) => new(unchecked(((ulong)(uint)seed << 32) | (uint)number));

    /// <summary>A number from 0 to below <paramref name="count"/>.</summary>
    public int Below(int count) => (int)(Next() % (ulong)count);

    /// <summary>A number from <paramref name="first"/> up to and with <paramref name="last"/>.</summary>
    public int Between(int first, int last) => first + Below(last - first + 1);

    /// <summary>True once in <paramref name="times"/>.</summary>
    public bool OneIn(int times) => Below(times) == 0;

    /// <summary>One of the items.</summary>
    public T Of<T>(IReadOnlyList<T> items) => items[Below(items.Count)];

    /// <summary>A few: 1 most often, up to <paramref name="most"/>, each further one half as likely.</summary>
    public int Few(int most)
    {
        int count = 1;
        while (count < most && OneIn(2))
        {
            count++;
        }

        return count;
    }

    private ulong Next()
    {
        unchecked
        {
            ulong z = _state += 0x9E3779B97F4A7C15;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return z ^ (z >> 31);
        }
    }
}
