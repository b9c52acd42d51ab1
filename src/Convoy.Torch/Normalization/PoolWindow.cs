namespace Convoy.Torch.Normalization;

/// <summary>
/// The windows of the max-pool in a ResNet's first layers: 3x3, stride 2, padding 1. Which of its nine elements was the greatest is written
/// as a number that every element type holds exactly: 3 x row + column, or <see cref="None"/>.
/// </summary>
internal static class PoolWindow
{
    /// <summary>No element: the greatest was not above 0, so ReLU lets no gradient through.</summary>
    public const int None = 9;

    private const int Size = 3;

    /// <summary>How many windows cover a side of <paramref name="length"/> elements.</summary>
    public static long Count(long length) => (length + 1) / 2;

    /// <summary>The elements of a window, the first and the one behind the last of those inside the side.</summary>
    public static (long First, long End) Elements(long window, long length) => (Math.Max(0, (2 * window) - 1), Math.Min(length, (2 * window) + 2));

    /// <summary>Which of the window's three places <paramref name="element"/> is.</summary>
    public static int Place(long window, long element) => (int)(element - (2 * window) + 1);

    /// <summary>The place of an element in the window, from its row's and its column's.</summary>
    public static int Index(int row, int column) => (Size * row) + column;

    /// <summary>The windows that an element lies in: one or two.</summary>
    public static (long First, long End) WindowsOf(long element, long length) => (element / 2, Math.Min(Count(length), ((element + 1) / 2) + 1));
}
