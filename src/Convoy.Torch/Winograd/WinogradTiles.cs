using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using Convoy.Torch.Kernels;

namespace Convoy.Torch.Winograd;

/// <summary>Brings tiles of channels-last images to the points of the transform, and back. A matrix of tiles by channels for each point.</summary>
/// <typeparam name="TElements">How elements of the images are read and written.</typeparam>
/// <typeparam name="TLanes">The vectors.</typeparam>
internal static unsafe class WinogradTiles<TElements, TLanes>
    where TElements : IImageElements
    where TLanes : unmanaged, ILanes<TLanes>
{
    // The processor does not foresee the jumps from pixel to pixel. Measured: 1 is less, 3 no more. Results, which must be read before they are overwritten in part, are asked for one tile ahead.
    private const int TilesAhead = 2;


    // Channels that are read at a time.
    private static int Pair => 2 * TLanes.Count;

    /// <summary>Bᵀ d B of the window around each tile; pixels beyond the edges are 0.</summary>
    /// <param name="images">[N, H, W, C].</param>
    /// <param name="shape">The images' sizes.</param>
    /// <param name="channels">C; a multiple of <see cref="WinogradShape.Channels"/>.</param>
    /// <param name="firstTile">The first tile.</param>
    /// <param name="tiles">How many.</param>
    /// <param name="result">Receives the matrices.</param>
    /// <param name="layout">The matrices' layout.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Input(byte* images, WinogradShape shape, int channels, int firstTile, int tiles, float* result, PointMatrices layout)
    {
        byte* nothing = stackalloc byte[channels * TElements.Bytes];
        Unsafe.InitBlock(nothing, 0, (uint)(channels * TElements.Bytes));
        byte** window = stackalloc byte*[WinogradShape.Points];
        float* memory = stackalloc float[(WinogradShape.Points * Pair) + CacheLine.Floats], half = (float*)CacheLine.Align(memory);
        int ahead = TilesAhead * WinogradShape.Tile * channels * TElements.Bytes;
        for (int i = 0; i < tiles; i++)
        {
            Look(images, nothing, shape, channels, firstTile + i, -1, WinogradShape.Window, window);
            float* to = result + (i * layout.Row);
            int channel = 0;
            for (; channel + Pair <= channels; channel += Pair)
            {
                InputTile(window, channel, ahead, half, to + channel, layout.Point);
            }

            if (channel < channels)
            {
                WinogradTiles<TElements, Lanes256>.InputTile(window, channel, ahead, half, to + channel, layout.Point);
            }
        }
    }

    /// <summary>A dY Aᵀ of each tile of the output's gradient; pixels beyond the edges are 0.</summary>
    /// <inheritdoc cref="Input"/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void OutputGradient(byte* images, WinogradShape shape, int channels, int firstTile, int tiles, float* result, PointMatrices layout)
    {
        byte* nothing = stackalloc byte[channels * TElements.Bytes];
        Unsafe.InitBlock(nothing, 0, (uint)(channels * TElements.Bytes));
        byte** window = stackalloc byte*[WinogradShape.Tile * WinogradShape.Tile];
        float* memory = stackalloc float[(WinogradShape.Window * WinogradShape.Tile * Pair) + CacheLine.Floats], half = (float*)CacheLine.Align(memory);
        int ahead = TilesAhead * WinogradShape.Tile * channels * TElements.Bytes;
        for (int i = 0; i < tiles; i++)
        {
            Look(images, nothing, shape, channels, firstTile + i, 0, WinogradShape.Tile, window);
            float* to = result + (i * layout.Row);
            int channel = 0;
            for (; channel + Pair <= channels; channel += Pair)
            {
                OutputGradientTile(window, channel, ahead, half, to + channel, layout.Point);
            }

            if (channel < channels)
            {
                WinogradTiles<TElements, Lanes256>.OutputGradientTile(window, channel, ahead, half, to + channel, layout.Point);
            }
        }
    }

    /// <summary>Aᵀ m A: each tile's pixels. Those beyond the edges are not written.</summary>
    /// <param name="products">The matrices.</param>
    /// <param name="layout">Their layout.</param>
    /// <param name="shape">The images' sizes.</param>
    /// <param name="channels">C.</param>
    /// <param name="firstChannel">The channel of the matrices' first column.</param>
    /// <param name="count">The matrices' columns; a multiple of <see cref="WinogradShape.Channels"/>.</param>
    /// <param name="firstTile">The first tile.</param>
    /// <param name="tiles">How many.</param>
    /// <param name="bias">A number for each channel, which is added; null for none.</param>
    /// <param name="images">[N, H, W, C].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Output(float* products, PointMatrices layout, WinogradShape shape, int channels, int firstChannel, int count, int firstTile, int tiles, float* bias, byte* images)
    {
        byte* sink = stackalloc byte[channels * TElements.Bytes];
        int ahead = WinogradShape.Tile * channels * TElements.Bytes;
        byte** window = stackalloc byte*[WinogradShape.Tile * WinogradShape.Tile];
        float* memory = stackalloc float[(WinogradShape.Tile * (WinogradShape.Window + 1) * Pair) + CacheLine.Floats], half = (float*)CacheLine.Align(memory);
        for (int i = 0; i < tiles; i++)
        {
            Look(images, sink, shape, channels, firstTile + i, 0, WinogradShape.Tile, window);
            float* from = products + (i * layout.Row);
            int channel = 0;
            for (; channel + Pair <= count; channel += Pair)
            {
                OutputTile(from + channel, layout.Point, half, window, firstChannel + channel, ahead, bias);
            }

            if (channel < count)
            {
                WinogradTiles<TElements, Lanes256>.OutputTile(from + channel, layout.Point, half, window, firstChannel + channel, ahead, bias);
            }
        }
    }

    // Where the pixels of a tile's window lie; in place of those beyond the edges, something else.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void InputTile(byte** window, int channel, int ahead, float* half, float* result, nint point)
    {
        const int Size = WinogradShape.Window;
        int width = TLanes.Count, pair = 2 * width;
        for (int x = 0; x < Size; x++)
        {
            byte** column = window + x;
            TElements.Load(column[0], channel, out TLanes a0, out TLanes b0);
            TElements.Load(column[Size], channel, out TLanes a1, out TLanes b1);
            TElements.Load(column[2 * Size], channel, out TLanes a2, out TLanes b2);
            TElements.Load(column[3 * Size], channel, out TLanes a3, out TLanes b3);
            TElements.Load(column[4 * Size], channel, out TLanes a4, out TLanes b4);
            TElements.Load(column[5 * Size], channel, out TLanes a5, out TLanes b5);
            float* to = half + (x * pair);
            WinogradPoints<TLanes>.Input(a0, a1, a2, a3, a4, a5, to, Size * pair);
            WinogradPoints<TLanes>.Input(b0, b1, b2, b3, b4, b5, to + width, Size * pair);
            if (x >= Size - WinogradShape.Tile)
            {
                // The other columns are the last tile's, too.
                for (int y = 0; y < Size; y++)
                {
                    Ask(column[y * Size] + (channel * TElements.Bytes) + ahead);
                }
            }
        }

        for (int y = 0; y < Size; y++)
        {
            float* row = half, to = result;
            WinogradPoints<TLanes>.Input(At(row), At(row + pair), At(row + (2 * pair)), At(row + (3 * pair)), At(row + (4 * pair)), At(row + (5 * pair)), to, point);
            row += width;
            to += width;
            WinogradPoints<TLanes>.Input(At(row), At(row + pair), At(row + (2 * pair)), At(row + (3 * pair)), At(row + (4 * pair)), At(row + (5 * pair)), to, point);
            half += Size * pair;
            result += Size * point;
        }
    }

    // Asks for the same pixel of a later tile. Beyond an edge that is other memory, or none: it only asks.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Ask(byte* pixel)
    {
        if (Sse.IsSupported)
        {
            for (int at = 0; at < Pair * TElements.Bytes; at += CacheLine.Bytes)
            {
                Sse.Prefetch0(pixel + at);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void OutputGradientTile(byte** window, int channel, int ahead, float* half, float* result, nint point)
    {
        const int Size = WinogradShape.Tile;
        int width = TLanes.Count, pair = 2 * width;
        for (int x = 0; x < Size; x++)
        {
            byte** column = window + x;
            TElements.Load<TLanes>(column[0], channel, out TLanes a0, out TLanes b0);
            TElements.Load<TLanes>(column[Size], channel, out TLanes a1, out TLanes b1);
            TElements.Load<TLanes>(column[2 * Size], channel, out TLanes a2, out TLanes b2);
            TElements.Load<TLanes>(column[3 * Size], channel, out TLanes a3, out TLanes b3);
            float* to = half + (x * pair);
            WinogradPoints<TLanes>.OutputGradient(a0, a1, a2, a3, to, Size * pair);
            WinogradPoints<TLanes>.OutputGradient(b0, b1, b2, b3, to + width, Size * pair);
            for (int y = 0; y < Size; y++)
            {
                Ask(column[y * Size] + (channel * TElements.Bytes) + ahead);
            }
        }

        for (int y = 0; y < WinogradShape.Window; y++)
        {
            float* row = half + width;
            WinogradPoints<TLanes>.OutputGradient(At(half), At(half + pair), At(half + (2 * pair)), At(half + (3 * pair)), result, point);
            WinogradPoints<TLanes>.OutputGradient(At(row), At(row + pair), At(row + (2 * pair)), At(row + (3 * pair)), result + width, point);
            half += Size * pair;
            result += WinogradShape.Window * point;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void OutputTile(float* products, nint point, float* half, byte** window, int channel, int ahead, float* bias)
    {
        const int Size = WinogradShape.Window, Tile = WinogradShape.Tile;
        int width = TLanes.Count, pair = 2 * width;
        float* to = half;
        for (int x = 0; x < Size; x++)
        {
            WinogradPoints<TLanes>.Output(products, Size * point, to, Size * pair);
            WinogradPoints<TLanes>.Output(products + width, Size * point, to + width, Size * pair);
            products += point;
            to += pair;
        }

        float* row = half + (Tile * Size * pair);
        for (int y = 0; y < Tile; y++)
        {
            WinogradPoints<TLanes>.Output(half, pair, row, pair);
            WinogradPoints<TLanes>.Output(half + width, pair, row + width, pair);
            if (bias is not null)
            {
                Add(bias + channel, row, pair);
                Add(bias + channel + width, row + width, pair);
            }

            for (int x = 0; x < Tile; x++)
            {
                Ask(window[x] + (channel * TElements.Bytes) + ahead);
            }

            TElements.Store(window[0], channel, At(row), At(row + width));
            TElements.Store(window[1], channel, At(row + pair), At(row + pair + width));
            TElements.Store(window[2], channel, At(row + (2 * pair)), At(row + (2 * pair) + width));
            TElements.Store(window[3], channel, At(row + (3 * pair)), At(row + (3 * pair) + width));
            half += Size * pair;
            window += Tile;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add(float* bias, float* row, int step)
    {
        TLanes values = At(bias);
        for (int x = 0; x < WinogradShape.Tile; x++)
        {
            TLanes.Store(At(row + (x * step)) + values, row + (x * step));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes At(float* values) => TLanes.Load(values);
}
