using System.Text;

namespace Convoy.Tests;

/// <summary>Damage to a text file of JSON or a table, as transfers, editors and other programs do it.</summary>
internal static class Mutant
{
    private static readonly string[] Pieces =
    [
        "null", "{}", "[]", "\"\"", "\"\\ud800\"", "\\u0000", "1e999", "-1e308", "1e308", "1e-308", "1e-9", "1e10", "NaN", "-1", "0", "2147483647", "9e18", "[[[[", "}", ",", ";", "\t", "\"", "#", "\n", "\0", "\uFEFF", "x",
        "\"step\":3,\"step\":4,", "\"nproc\":1000000,", "\"accumulate\":999999,",
    ];

    /// <summary>One to four faults: bytes turned over, cut out, doubled, pieces put in, or a whole number or word replaced.</summary>
    public static byte[] Of(string whole, Random random)
    {
        var bytes = new List<byte>(Encoding.UTF8.GetBytes(whole));
        for (int faults = random.Next(1, 5); faults > 0 && bytes.Count > 0; faults--)
        {
            int at = random.Next(bytes.Count);
            int length = random.Next(1, Math.Min(12, bytes.Count - at) + 1);
            switch (random.Next(7))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes.RemoveRange(at, length);
                    break;
                case 2 when random.Next(4) == 0:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                case 3:
                    bytes.InsertRange(at, bytes.GetRange(at, length));
                    break;
                default:
                    (at, length) = Word(bytes, at);
                    bytes.RemoveRange(at, length);
                    bytes.InsertRange(at, Encoding.UTF8.GetBytes(Pieces[random.Next(Pieces.Length)]));
                    break;
            }
        }

        return [.. bytes];
    }

    private static (int At, int Length) Word(List<byte> bytes, int at)
    {
        int start = at, end = at;
        while (start > 0 && IsPart(bytes[start - 1]))
        {
            start--;
        }

        while (end < bytes.Count && IsPart(bytes[end]))
        {
            end++;
        }

        return (start, end - start);
    }

    private static bool IsPart(byte value) => char.IsAsciiLetterOrDigit((char)value) || value is (byte)'.' or (byte)'-' or (byte)'+' or (byte)'_';
}
