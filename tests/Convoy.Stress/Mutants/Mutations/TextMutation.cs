using System.Text;

namespace Convoy.Stress.Mutants.Mutations;

/// <summary>Changes of texts made of lines and words: another word, a long one, none; lines twice, swapped, gone.</summary>
internal static class TextMutation
{
    private static ReadOnlySpan<byte> Separators => " \t\r\n,;:=/\"[]{}"u8;

    /// <summary>Changes <paramref name="text"/> in one way.</summary>
    public static byte[] Apply(byte[] text, byte[] other, Chance chance)
    {
        if (text.Length == 0)
        {
            return other;
        }

        (int start, int end) = Word(text, chance);
        byte[] token = Encoding.UTF8.GetBytes(chance.Of(Tokens.Words));
        switch (chance.Below(10))
        {
            case 0 or 1 or 2:
                return Splice.Replace(text, start, end, token);
            case 3:
                return Splice.Replace(text, start, start, token);
            case 4:
                return Splice.Replace(text, start, end, Splice.Repeat(chance.OneIn(2) ? "9"u8 : text.AsSpan(start, end - start), chance.Between(2, chance.OneIn(3) ? 18_000 : 40) / Math.Max(1, chance.OneIn(2) ? 1 : end - start)));
            case 5 when other.Length > 0:
                (int from, int to) = Word(other, chance);
                return Splice.Replace(text, start, end, other.AsSpan(from, to - from));
            default:
                return Lines(text, chance);
        }
    }

    private static byte[] Lines(byte[] text, Chance chance)
    {
        List<string> lines = [.. Encoding.Latin1.GetString(text).Split('\n')];
        int one = chance.Below(lines.Count), two = chance.Below(lines.Count);
        switch (chance.Below(6))
        {
            case 0:
                lines.RemoveAt(one);
                break;
            case 1:
                lines.Insert(two, lines[one]);
                break;
            case 2:
                (lines[one], lines[two]) = (lines[two], lines[one]);
                break;
            case 3:
                lines.InsertRange(two, Enumerable.Repeat(lines[one], chance.Between(2, 400)));
                break;
            case 4:
                lines[one] = string.Concat(lines[one], lines[two]);
                break;
            default:
                return Encoding.Latin1.GetBytes(string.Join(chance.OneIn(2) ? "\r\n" : "\r", lines));
        }

        return Encoding.Latin1.GetBytes(string.Join('\n', lines));
    }

    private static (int Start, int End) Word(byte[] text, Chance chance)
    {
        int at = chance.Below(text.Length), start = at, end = at;
        while (start > 0 && !Separators.Contains(text[start - 1]))
        {
            start--;
        }

        while (end < text.Length && !Separators.Contains(text[end]))
        {
            end++;
        }

        return (start, end);
    }
}
