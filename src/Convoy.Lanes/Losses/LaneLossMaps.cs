namespace Convoy.Lanes.Losses;

/// <summary>
/// The three maps at the logits' size that one band of the image's rows adds to. The transposed interpolation is linear, so the
/// gradient is a combination of theirs whose factors may follow when all sums are known:
/// of the cross entropy's slope, of p (1 - p) at lane pixels, and of p (1 - p) everywhere.
/// </summary>
/// <param name="Start">The maps' first number; map m's row r begins at (m * Rows + r) * Width.</param>
/// <param name="FirstRow">The row of the logits that row 0 is.</param>
/// <param name="Rows">Rows of each map.</param>
/// <param name="Width">Numbers of a row.</param>
internal readonly unsafe record struct LaneLossMaps(nint Start, int FirstRow, int Rows, int Width)
{
    /// <summary>How many maps there are.</summary>
    public const int Count = 3;

    /// <summary>Row <paramref name="row"/> of the logits in map <paramref name="map"/>.</summary>
    public float* Row(int map, int row) => (float*)Start + ((((long)map * Rows) + row - FirstRow) * Width);
}
