using Convoy.Torch.Kernels;

namespace Convoy.Torch.Winograd;

/// <summary>How a matrix for each point of the transform lies in memory.</summary>
/// <param name="Row">Numbers from one row to the next.</param>
/// <param name="Point">Numbers from one point's matrix to the next one's.</param>
internal readonly record struct PointMatrices(nint Row, nint Point)
{
    // Distances that are powers of two put all rows, or the same element of all matrices, into the same few places of the cache.
    private const int Line = 16;

    // The matrix kernel computes whole blocks of rows.
    private const int MoreRows = MatrixKernel<Lanes256>.Many;

    /// <summary>Numbers of all matrices.</summary>
    public long Count => Point * WinogradShape.Points;

    /// <summary>Lays out matrices.</summary>
    /// <param name="rows">Rows of each.</param>
    /// <param name="columns">Columns of each.</param>
    public static PointMatrices LayOut(int rows, int columns)
    {
        nint row = columns + Line;
        int whole = (rows + MoreRows - 1) / MoreRows * MoreRows;
        return new PointMatrices(row, (whole * row) + Line);
    }

    /// <summary>Lays out matrices in panels, [columns / panel, rows, panel], so that the rows of a panel follow each other.</summary>
    /// <param name="rows">Rows of each.</param>
    /// <param name="columns">Columns of each, a multiple of <paramref name="panel"/>.</param>
    /// <param name="panel">Columns of a panel.</param>
    public static PointMatrices LayOutPanels(int rows, int columns, int panel) => new(panel, ((nint)rows * columns) + Line);
}
