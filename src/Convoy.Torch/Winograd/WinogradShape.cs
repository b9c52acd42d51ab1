namespace Convoy.Torch.Winograd;

/// <summary>Images cut into tiles of 4x4 pixels, numbered through the batch row by row; those at the right and lower edge may hang over.</summary>
/// <param name="Batch">N.</param>
/// <param name="Height">H.</param>
/// <param name="Width">W.</param>
internal readonly record struct WinogradShape(int Batch, int Height, int Width)
{
    /// <summary>Rows and columns of pixels of a tile.</summary>
    public const int Tile = 4;

    /// <summary>Rows and columns of pixels that a tile of a 3x3 convolution looks at, and of points of its transform.</summary>
    public const int Window = 6;

    /// <summary>Points of a tile's transform.</summary>
    public const int Points = Window * Window;

    /// <summary>Channels come in multiples of this, whatever the vectors' width.</summary>
    public const int Channels = 16;

    /// <summary>Tiles of the batch.</summary>
    public int Tiles => Batch * TileRows * TileColumns;

    private int TileRows => (Height + Tile - 1) / Tile;

    private int TileColumns => (Width + Tile - 1) / Tile;

    /// <summary>The image of a tile, and the row and column of its first pixel.</summary>
    public (int Image, int Y, int X) Locate(int tile)
    {
        (int row, int column) = Math.DivRem(tile, TileColumns);
        (int image, row) = Math.DivRem(row, TileRows);
        return (image, row * Tile, column * Tile);
    }
}
