namespace Convoy.Lanes.PostProcessing;

/// <summary>Neighbouring lane pixels of one row: the columns <paramref name="First"/> to <paramref name="Last"/>, both included.</summary>
internal readonly record struct PixelRun(int First, int Last)
{
    public int Width => Last - First + 1;

    public double Centre => 0.5 * (First + Last);

    /// <summary>Whether the runs of two rows next to each other touch, diagonally included.</summary>
    public bool Touches(PixelRun other) => First <= other.Last + 1 && other.First <= Last + 1;

    /// <summary>How far a column is outside the run; 0 inside.</summary>
    public double Distance(double x) => Math.Max(0, Math.Max(First - x, x - Last));

    /// <summary>Finds the runs of a row from left to right, joining those at most <paramref name="maxHole"/> background pixels apart.</summary>
    public static void Find(ReadOnlySpan<byte> row, int maxHole, List<PixelRun> runs)
    {
        runs.Clear();
        int column = 0;
        while (column < row.Length)
        {
            int skip = row[column..].IndexOfAnyExcept((byte)0);
            if (skip < 0)
            {
                return;
            }

            int first = column + skip;
            int length = row[first..].IndexOf((byte)0);
            int last = length < 0 ? row.Length - 1 : first + length - 1;
            if (runs.Count > 0 && first - runs[^1].Last - 1 <= maxHole)
            {
                runs[^1] = new PixelRun(runs[^1].First, last);
            }
            else
            {
                runs.Add(new PixelRun(first, last));
            }

            column = last + 1;
        }
    }
}
