using System.Text;

namespace Convoy.Lanes.Tests.Evaluation;

/// <summary>Damage to a text file of JSON, as transfers, editors and other programs do it.</summary>
internal static class Mutant
{
    private static readonly string[] Pieces = ["null", "{}", "[]", "\"\"", "\"\\ud800\"", "\\u0000", "1e999", "-1e308", "1e-308", "NaN", "[[[[", "}", ",", "\n", "\0", "\uFEFF"];

    /// <summary>One to three faults: bytes turned over, cut out, doubled, or pieces put in.</summary>
    public static byte[] Of(byte[] whole, Random random)
    {
        var bytes = new List<byte>(whole);
        for (int faults = random.Next(1, 4); faults > 0 && bytes.Count > 0; faults--)
        {
            int at = random.Next(bytes.Count);
            int length = random.Next(1, Math.Min(12, bytes.Count - at) + 1);
            switch (random.Next(5))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes.RemoveRange(at, length);
                    break;
                case 2:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                case 3:
                    bytes.InsertRange(at, bytes.GetRange(at, length));
                    break;
                default:
                    bytes.RemoveRange(at, length);
                    bytes.InsertRange(at, Encoding.UTF8.GetBytes(Pieces[random.Next(Pieces.Length)]));
                    break;
            }
        }

        return [.. bytes];
    }
}
