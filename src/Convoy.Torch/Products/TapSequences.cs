using System.Runtime.CompilerServices;

namespace Convoy.Torch.Products;

/// <summary>
/// How positions of a convolution's input and result follow each other in memory so that every tap of the filter pairs the same numbers of consecutive positions: the gradient of a
/// tap's weights is one product of matrices, over sequences that differ between taps by their start only.
/// </summary>
/// <remarks>
/// With strides, the input is taken apart into planes: rows, and columns, whose numbers leave the same remainder. In a plane each tap is a shift. Rows follow each other with so many
/// zeros between them that a shift does not reach into the next one.
/// </remarks>
internal sealed unsafe class TapSequences
{
    private readonly ConvolutionSizes _shape;
    private readonly (int Row, int Column)[] _planes;
    private readonly (int Plane, int Start)[] _taps;
    private readonly int _firstRow;
    private readonly int _shiftedRows;
    private readonly int _lead;
    private readonly int _right;

    public TapSequences(in ConvolutionSizes shape)
    {
        _shape = shape;
        var taps = new (int Row, int Column, (int, int) Plane)[shape.KernelHeight * shape.KernelWidth];
        for (int tap = 0; tap < taps.Length; tap++)
        {
            int y = (tap / shape.KernelWidth) - shape.PaddingHeight, x = (tap % shape.KernelWidth) - shape.PaddingWidth;
            (int row, int column) = (FloorDivide(y, shape.StrideHeight), FloorDivide(x, shape.StrideWidth));
            taps[tap] = (row, column, (y - (row * shape.StrideHeight), x - (column * shape.StrideWidth)));
        }

        _planes = [.. taps.Select(tap => tap.Plane).Distinct()];
        _firstRow = taps.Min(tap => tap.Row);
        _shiftedRows = taps.Max(tap => tap.Row) - _firstRow;
        int left = Math.Max(0, -taps.Min(tap => tap.Column));
        _right = Math.Max(0, taps.Max(tap => tap.Column));
        _lead = left;
        Pitch = Math.Max(shape.OutWidth + _right, _planes.Max(plane => DataColumns(plane.Column)) + left);
        _taps = [.. taps.Select(tap => (Array.IndexOf(_planes, tap.Plane), _lead + ((tap.Row - _firstRow) * Pitch) + tap.Column))];
    }

    /// <summary>Parts of the input that have sequences of their own.</summary>
    public int Planes => _planes.Length;

    /// <summary>Positions from a row to the next.</summary>
    public int Pitch { get; }

    /// <summary>The plane of each tap, and where its positions begin there.</summary>
    public ReadOnlySpan<(int Plane, int Start)> Taps => _taps;

    /// <summary>Positions of so many rows of the result.</summary>
    public int Length(int rows) => ((rows - 1) * Pitch) + _shape.OutWidth;

    /// <summary>Positions of the input that tap after tap pairs with <paramref name="length"/> positions of the result.</summary>
    public int InputLength(int length) => _taps.Max(tap => tap.Start) + length;

    /// <summary>Says where the channels of the result's positions lie.</summary>
    /// <param name="gradient">Of the result, [N, OutHeight, OutWidth, K].</param>
    /// <param name="zeros">K zeros, for positions between rows and behind them.</param>
    /// <param name="image">The image.</param>
    /// <param name="first">The first row.</param>
    /// <param name="rows">How many.</param>
    /// <param name="to">A pointer for each position.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void FindResults<T>(T* gradient, T* zeros, int image, int first, int rows, Span<nint> to)
        where T : unmanaged
    {
        to.Fill((nint)zeros);
        for (int row = 0; row < rows; row++)
        {
            T* from = gradient + (((nint)image * _shape.OutHeight) + first + row) * _shape.OutWidth * _shape.OutChannels;
            for (int column = 0; column < _shape.OutWidth; column++, from += _shape.OutChannels)
            {
                to[(row * Pitch) + column] = (nint)from;
            }
        }
    }

    /// <summary>Says where the channels of the positions of a plane lie.</summary>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="zeros">C zeros, for positions outside the image.</param>
    /// <param name="plane">The plane.</param>
    /// <param name="image">The image.</param>
    /// <param name="first">The first row of the result.</param>
    /// <param name="rows">How many.</param>
    /// <param name="to">A pointer for each position.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void FindInputs<T>(T* input, T* zeros, int plane, int image, int first, int rows, Span<nint> to)
        where T : unmanaged
    {
        to.Fill((nint)zeros);
        (int rowPhase, int columnPhase) = _planes[plane];
        int columns = DataColumns(columnPhase);
        nint step = (nint)_shape.StrideWidth * _shape.InChannels;
        for (int row = 0; row < rows + _shiftedRows; row++)
        {
            int y = ((first + _firstRow + row) * _shape.StrideHeight) + rowPhase, start = _lead + (row * Pitch);
            if ((uint)y < (uint)_shape.Height)
            {
                T* from = input + (((((nint)image * _shape.Height) + y) * _shape.Width) + columnPhase) * _shape.InChannels;
                for (int column = 0; column < columns && start + column < to.Length; column++, from += step)
                {
                    to[start + column] = (nint)from;
                }
            }
        }
    }

    // Columns further right are paired with no result.
    private int DataColumns(int phase) => Math.Min(Math.Max(0, _shape.Width - phase + _shape.StrideWidth - 1) / _shape.StrideWidth, _shape.OutWidth + _right);

    private static int FloorDivide(int number, int divisor) => (number - (number < 0 ? divisor - 1 : 0)) / divisor;
}
