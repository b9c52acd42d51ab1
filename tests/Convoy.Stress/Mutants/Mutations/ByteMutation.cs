using System.Buffers.Binary;

namespace Convoy.Stress.Mutants.Mutations;

/// <summary>Changes that know nothing of the file's form: bits, bytes, cuts, spans put in twice or elsewhere, whole numbers of 2, 4 and 8 bytes.</summary>
internal static class ByteMutation
{
    private static readonly long[] Edges = [0, 1, -1, 2, 127, 128, 255, 256, 32767, 65535, 65536, 16_777_216, int.MaxValue, int.MinValue, uint.MaxValue, 1L << 40, long.MaxValue, long.MinValue];

    /// <summary>Changes <paramref name="bytes"/> in one way.</summary>
    /// <param name="bytes">What to change.</param>
    /// <param name="other">Another file of the same kind, to take spans from.</param>
    /// <param name="chance">Decides.</param>
    public static byte[] Apply(byte[] bytes, byte[] other, Chance chance)
    {
        if (bytes.Length == 0)
        {
            return other;
        }

        byte[] copy = (byte[])bytes.Clone();
        int at = chance.Below(bytes.Length);
        (int start, int end) = Span(bytes.Length, chance);
        switch (chance.Below(12))
        {
            case 0:
                copy[at] ^= (byte)(1 << chance.Below(8));
                return copy;
            case 1:
                copy[at] = (byte)chance.Below(256);
                return copy;
            case 2:
                for (int i = 0; i < 8; i++)
                {
                    copy[chance.Below(copy.Length)] ^= (byte)(1 << chance.Below(8));
                }

                return copy;
            case 3:
                return bytes[..at];
            case 4:
                return bytes[at..];
            case 5:
                return Splice.Replace(bytes, start, end, []);
            case 6:
                return Splice.Replace(bytes, at, at, bytes.AsSpan(start, end - start));
            case 7:
                return Splice.Replace(bytes, at, at, Splice.Repeat(bytes.AsSpan(start, end - start), chance.Between(2, 60)));
            case 8 when other.Length > 0:
                (int from, int to) = Span(other.Length, chance);
                return Splice.Replace(bytes, start, end, other.AsSpan(from, to - from));
            case 9:
                copy.AsSpan(start, end - start).Fill((byte)(chance.OneIn(2) ? 0 : 0xFF));
                return copy;
            default:
                WriteEdge(copy, chance);
                return copy;
        }
    }

    // Short spans more often than long ones.
    private static (int Start, int End) Span(int length, Chance chance)
    {
        int start = chance.Below(length);
        return (start, Math.Min(length, start + chance.Between(1, chance.OneIn(4) ? length : 16)));
    }

    private static void WriteEdge(byte[] bytes, Chance chance)
    {
        int width = 1 << chance.Between(1, 3);
        if (bytes.Length < width)
        {
            return;
        }

        Span<byte> place = bytes.AsSpan(chance.Below(bytes.Length - width + 1), width);
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(number, chance.Of(Edges));
        number[..width].CopyTo(place);
        if (chance.OneIn(2))
        {
            place.Reverse();
        }
    }
}
