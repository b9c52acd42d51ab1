namespace Convoy.Lanes.Tests.Data;

/// <summary>Damaged copies of a file: bits flipped, parts lost, repeated or overwritten, and telling words put in. A seed gives the same ones every time.</summary>
internal static class Mutants
{
    /// <summary>So many damaged copies.</summary>
    /// <param name="whole">The file as it should be.</param>
    /// <param name="count">How many.</param>
    /// <param name="seed">Where they come from.</param>
    /// <param name="words">What is put in besides random bytes.</param>
    public static IEnumerable<byte[]> Of(byte[] whole, int count, int seed, params byte[][] words)
    {
        var random = new Random(seed);
        for (int i = 0; i < count; i++)
        {
            byte[] mutant = whole;
            for (int change = random.Next(3); change >= 0; change--)
            {
                mutant = Changed(mutant, random, words);
            }

            yield return mutant;
        }
    }

    private static byte[] Changed(byte[] from, Random random, byte[][] words)
    {
        int at = random.Next(from.Length + 1);
        int end = Math.Min(from.Length, at + random.Next(1, 20));
        byte[] noise = new byte[random.Next(1, 6)];
        random.NextBytes(noise);
        byte[] word = words.Length == 0 ? noise : words[random.Next(words.Length)];
        switch (random.Next(7))
        {
            case 0:
                return from[..at];
            case 1:
                return [.. from[..at], .. from[end..]];
            case 2:
                return [.. from[..end], .. from[at..]];
            case 3:
                return [.. from[..at], .. noise, .. from[end..]];
            case 4:
                return [.. from[..at], .. word, .. from[at..]];
            case 5:
                return [.. from[..at], .. word, .. from[Math.Min(from.Length, at + word.Length)..]];
            default:
                byte[] flipped = [.. from];
                if (at < flipped.Length)
                {
                    flipped[at] ^= (byte)(1 << random.Next(8));
                }

                return flipped;
        }
    }
}
