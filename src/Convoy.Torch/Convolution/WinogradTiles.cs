using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using Convoy.Torch.Kernels;

namespace Convoy.Torch.Convolution;

/// <summary>Brings tiles of channels-last images to the points of the transform, and back. A matrix of tiles by channels for each point.</summary>
/// <typeparam name="TElements">How elements of the images are read and written.</typeparam>
internal static unsafe class WinogradTiles<TElements>
    where TElements : IElements<float>
{
    // The processor does not foresee the jumps from pixel to pixel. Measured: 1 is less, 3 no more.
    private const int TilesAhead = 2;

    // Channels that are read at a time.
    private static readonly int Pair = 2 * Vector<float>.Count;

    /// <summary>Bᵀ d B of the window around each tile; pixels beyond the edges are 0.</summary>
    /// <param name="images">[N, H, W, C].</param>
    /// <param name="shape">The images' sizes.</param>
    /// <param name="channels">C; a multiple of <see cref="MatrixKernel.Columns"/>.</param>
    /// <param name="firstTile">The first tile.</param>
    /// <param name="tiles">How many.</param>
    /// <param name="result">Receives the matrices.</param>
    /// <param name="layout">The matrices' layout.</param>
    public static void Input(byte* images, WinogradShape shape, int channels, int firstTile, int tiles, float* result, PointMatrices layout)
    {
        byte* nothing = stackalloc byte[channels * TElements.Bytes];
        Unsafe.InitBlock(nothing, 0, (uint)(channels * TElements.Bytes));
        byte** window = stackalloc byte*[WinogradShape.Points];
        float* half = stackalloc float[WinogradShape.Points * Pair];
        int ahead = TilesAhead * WinogradShape.Tile * channels * TElements.Bytes;
        for (int i = 0; i < tiles; i++)
        {
            Look(images, nothing, shape, channels, firstTile + i, -1, WinogradShape.Window, window);
            for (int channel = 0; channel < channels; channel += Pair)
            {
                InputTile(window, channel, ahead + (channel * TElements.Bytes), half, result + (i * layout.Row) + channel, layout.Point);
            }
        }
    }

    /// <summary>A dY Aᵀ of each tile of the output's gradient; pixels beyond the edges are 0.</summary>
    /// <inheritdoc cref="Input"/>
    public static void OutputGradient(byte* images, WinogradShape shape, int channels, int firstTile, int tiles, float* result, PointMatrices layout)
    {
        byte* nothing = stackalloc byte[channels * TElements.Bytes];
        Unsafe.InitBlock(nothing, 0, (uint)(channels * TElements.Bytes));
        byte** window = stackalloc byte*[WinogradShape.Tile * WinogradShape.Tile];
        float* half = stackalloc float[WinogradShape.Window * WinogradShape.Tile * Pair];
        for (int i = 0; i < tiles; i++)
        {
            Look(images, nothing, shape, channels, firstTile + i, 0, WinogradShape.Tile, window);
            for (int channel = 0; channel < channels; channel += Pair)
            {
                OutputGradientTile(window, channel, half, result + (i * layout.Row) + channel, layout.Point);
            }
        }
    }

    /// <summary>Aᵀ m A: each tile's pixels. Those beyond the edges are not written.</summary>
    /// <param name="products">The matrices.</param>
    /// <param name="layout">Their layout.</param>
    /// <param name="shape">The images' sizes.</param>
    /// <param name="channels">C.</param>
    /// <param name="firstChannel">The channel of the matrices' first column.</param>
    /// <param name="count">The matrices' columns; a multiple of <see cref="MatrixKernel.Columns"/>.</param>
    /// <param name="firstTile">The first tile.</param>
    /// <param name="tiles">How many.</param>
    /// <param name="bias">A number for each channel, which is added; null for none.</param>
    /// <param name="images">[N, H, W, C].</param>
    public static void Output(float* products, PointMatrices layout, WinogradShape shape, int channels, int firstChannel, int count, int firstTile, int tiles, float* bias, byte* images)
    {
        byte* sink = stackalloc byte[channels * TElements.Bytes];
        byte** window = stackalloc byte*[WinogradShape.Tile * WinogradShape.Tile];
        float* half = stackalloc float[WinogradShape.Tile * (WinogradShape.Window + 1) * Pair];
        for (int i = 0; i < tiles; i++)
        {
            Look(images, sink, shape, channels, firstTile + i, 0, WinogradShape.Tile, window);
            for (int channel = 0; channel < count; channel += Pair)
            {
                int to = firstChannel + channel;
                OutputTile(products + (i * layout.Row) + channel, layout.Point, half, window, to, bias is null ? null : bias + to);
            }
        }
    }

    // Where the pixels of a tile's window lie; in place of those beyond the edges, something else.
    private static void Look(byte* images, byte* beyond, WinogradShape shape, int channels, int tile, int offset, int size, byte** window)
    {
        (int image, int firstY, int firstX) = shape.Locate(tile);
        for (int i = 0; i < size; i++)
        {
            int y = firstY + offset + i;
            long row = ((long)image * shape.Height) + y;
            for (int j = 0; j < size; j++)
            {
                int x = firstX + offset + j;
                bool inside = (uint)y < (uint)shape.Height && (uint)x < (uint)shape.Width;
                window[(i * size) + j] = inside ? images + (((row * shape.Width) + x) * channels * TElements.Bytes) : beyond;
            }
        }
    }

    private static void InputTile(byte** window, int channel, int ahead, float* half, float* result, nint point)
    {
        const int Size = WinogradShape.Window;
        int width = Vector<float>.Count, pair = 2 * width;
        for (int x = 0; x < Size; x++)
        {
            byte** column = window + x;
            Load(column[0], channel, ahead, out Vector<float> a0, out Vector<float> b0);
            Load(column[Size], channel, ahead, out Vector<float> a1, out Vector<float> b1);
            Load(column[2 * Size], channel, ahead, out Vector<float> a2, out Vector<float> b2);
            Load(column[3 * Size], channel, ahead, out Vector<float> a3, out Vector<float> b3);
            Load(column[4 * Size], channel, ahead, out Vector<float> a4, out Vector<float> b4);
            Load(column[5 * Size], channel, ahead, out Vector<float> a5, out Vector<float> b5);
            float* to = half + (x * pair);
            WinogradPoints.Input(a0, a1, a2, a3, a4, a5, to, Size * pair);
            WinogradPoints.Input(b0, b1, b2, b3, b4, b5, to + width, Size * pair);
        }

        for (int y = 0; y < Size; y++)
        {
            float* row = half, to = result;
            WinogradPoints.Input(At(row), At(row + pair), At(row + (2 * pair)), At(row + (3 * pair)), At(row + (4 * pair)), At(row + (5 * pair)), to, point);
            row += width;
            to += width;
            WinogradPoints.Input(At(row), At(row + pair), At(row + (2 * pair)), At(row + (3 * pair)), At(row + (4 * pair)), At(row + (5 * pair)), to, point);
            half += Size * pair;
            result += Size * point;
        }
    }

    // Asks for the same pixel of a later tile, too. Beyond an edge that is other memory, or none: it only asks.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(byte* pixel, int channel, int ahead, out Vector<float> first, out Vector<float> second)
    {
        TElements.Load(pixel, channel, out first, out second);
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(pixel + ahead);
        }
    }

    private static void OutputGradientTile(byte** window, int channel, float* half, float* result, nint point)
    {
        const int Size = WinogradShape.Tile;
        int width = Vector<float>.Count, pair = 2 * width;
        for (int x = 0; x < Size; x++)
        {
            byte** column = window + x;
            TElements.Load(column[0], channel, out Vector<float> a0, out Vector<float> b0);
            TElements.Load(column[Size], channel, out Vector<float> a1, out Vector<float> b1);
            TElements.Load(column[2 * Size], channel, out Vector<float> a2, out Vector<float> b2);
            TElements.Load(column[3 * Size], channel, out Vector<float> a3, out Vector<float> b3);
            float* to = half + (x * pair);
            WinogradPoints.OutputGradient(a0, a1, a2, a3, to, Size * pair);
            WinogradPoints.OutputGradient(b0, b1, b2, b3, to + width, Size * pair);
        }

        for (int y = 0; y < WinogradShape.Window; y++)
        {
            float* row = half + width;
            WinogradPoints.OutputGradient(At(half), At(half + pair), At(half + (2 * pair)), At(half + (3 * pair)), result, point);
            WinogradPoints.OutputGradient(At(row), At(row + pair), At(row + (2 * pair)), At(row + (3 * pair)), result + width, point);
            half += Size * pair;
            result += WinogradShape.Window * point;
        }
    }

    private static void OutputTile(float* products, nint point, float* half, byte** window, int channel, float* bias)
    {
        const int Size = WinogradShape.Window, Tile = WinogradShape.Tile;
        int width = Vector<float>.Count, pair = 2 * width;
        float* to = half;
        for (int x = 0; x < Size; x++)
        {
            WinogradPoints.Output(products, Size * point, to, Size * pair);
            WinogradPoints.Output(products + width, Size * point, to + width, Size * pair);
            products += point;
            to += pair;
        }

        float* row = half + (Tile * Size * pair);
        for (int y = 0; y < Tile; y++)
        {
            WinogradPoints.Output(half, pair, row, pair);
            WinogradPoints.Output(half + width, pair, row + width, pair);
            if (bias is not null)
            {
                Add(bias, row, pair);
                Add(bias + width, row + width, pair);
            }

            TElements.Store(window[0], channel, At(row), At(row + width));
            TElements.Store(window[1], channel, At(row + pair), At(row + pair + width));
            TElements.Store(window[2], channel, At(row + (2 * pair)), At(row + (2 * pair) + width));
            TElements.Store(window[3], channel, At(row + (3 * pair)), At(row + (3 * pair) + width));
            half += Size * pair;
            window += Tile;
        }
    }

    private static void Add(float* bias, float* row, int step)
    {
        Vector<float> values = At(bias);
        for (int x = 0; x < WinogradShape.Tile; x++)
        {
            Unsafe.WriteUnaligned(row + (x * step), At(row + (x * step)) + values);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> At(float* values) => Unsafe.ReadUnaligned<Vector<float>>(values);
}

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
