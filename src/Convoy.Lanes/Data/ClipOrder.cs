namespace Convoy.Lanes.Data;

/// <summary>
/// The order in which a drive's clips were recorded: paths compared with their runs of digits as numbers, so that clip
/// <c>600</c> comes before clip <c>1200</c>. Neighbours in this order look alike, which is why a validation part must be
/// a contiguous range of it.
/// </summary>
public sealed class ClipOrder : IComparer<string>
{
    /// <summary>The one instance.</summary>
    public static ClipOrder Instance { get; } = new();

    private ClipOrder()
    {
    }

    /// <inheritdoc/>
    public int Compare(string? x, string? y)
    {
        if (x is null || y is null)
        {
            return string.CompareOrdinal(x, y);
        }

        int i = 0;
        int j = 0;
        while (i < x.Length && j < y.Length)
        {
            int order = char.IsAsciiDigit(x[i]) && char.IsAsciiDigit(y[j])
                ? CompareNumbers(DigitsAt(x, ref i), DigitsAt(y, ref j))
                : x[i++].CompareTo(y[j++]);
            if (order != 0)
            {
                return order;
            }
        }

        int rest = (x.Length - i).CompareTo(y.Length - j);
        return rest != 0 ? rest : string.CompareOrdinal(x, y);
    }

    private static ReadOnlySpan<char> DigitsAt(string text, ref int position)
    {
        int start = position;
        while (position < text.Length && char.IsAsciiDigit(text[position]))
        {
            position++;
        }

        return text.AsSpan(start, position - start);
    }

    private static int CompareNumbers(ReadOnlySpan<char> a, ReadOnlySpan<char> b)
    {
        a = a.TrimStart('0');
        b = b.TrimStart('0');
        return a.Length != b.Length ? a.Length.CompareTo(b.Length) : a.SequenceCompareTo(b);
    }
}
