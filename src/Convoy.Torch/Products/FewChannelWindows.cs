namespace Convoy.Torch.Products;

/// <summary>
/// How rows of an image of few channels are read for products of matrices: the numbers that a row of the filter covers lie side by side, and count as channels. 3 channels and 7 columns
/// are 21 numbers, where single taps would be products of length 3.
/// </summary>
/// <param name="shape">The sizes.</param>
/// <typeparam name="T">The image's numbers.</typeparam>
internal sealed unsafe class FewChannelWindows<T>(ConvolutionSizes shape)
    where T : unmanaged
{
    // A vector of positions, and of channels.
    private const int Step = 32;
    private const int Channels = 16;

    // Rows of the result that are computed by one thread: their share of the image stays in the second-level cache, and few rows are prepared twice.
    private const int SlabRows = 16;

    public ConvolutionSizes Shape => shape;

    /// <summary>In a window: S * C.</summary>
    public int Numbers => shape.KernelWidth * shape.InChannels;

    /// <summary><see cref="Numbers"/>, in whole vectors.</summary>
    public int NumberVectors => RoundUp(Numbers, Channels);

    /// <summary>From a window to the next.</summary>
    public int Stride => shape.StrideWidth * shape.InChannels;

    /// <summary>Results of a row, in whole vectors.</summary>
    public int Positions => RoundUp(shape.OutWidth, Step);

    /// <summary>Numbers of a row of the image with its padding, and as far as vectors read.</summary>
    public int Line => RoundUp(Math.Max((shape.Width + (2 * shape.PaddingWidth)) * shape.InChannels, (Positions * Stride) + NumberVectors), Step);

    /// <summary>Parts of the result.</summary>
    public int Slabs => shape.Batch * SlabsOfImage;

    private int SlabsOfImage => (shape.OutHeight + SlabRows - 1) / SlabRows;

    /// <summary>The image, first row and rows of the result of a slab.</summary>
    public (int Image, int First, int Rows) Slab(int slab)
    {
        int first = slab % SlabsOfImage * SlabRows;
        return (slab / SlabsOfImage, first, Math.Min(SlabRows, shape.OutHeight - first));
    }

    /// <summary>Rows of the image that so many rows of the result read.</summary>
    public int InputRows(int rows) => ((rows - 1) * shape.StrideHeight) + shape.KernelHeight;

    /// <summary>Copies a row of the image, with its padding.</summary>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="image">The image.</param>
    /// <param name="firstResult">A row of the result.</param>
    /// <param name="row">Counts from the first one that this reads.</param>
    /// <param name="line">The copy, <see cref="Line"/> numbers.</param>
    public void ReadLine(T* input, int image, int firstResult, int row, T* line)
    {
        int y = (firstResult * shape.StrideHeight) + row - shape.PaddingHeight, margin = shape.PaddingWidth * shape.InChannels, count = shape.Width * shape.InChannels;
        var to = new Span<T>(line, Line);
        if ((uint)y >= (uint)shape.Height)
        {
            to.Clear();
            return;
        }

        to[..margin].Clear();
        new ReadOnlySpan<T>(input + ((((nint)image * shape.Height) + y) * count), count).CopyTo(to[margin..]);
        to[(margin + count)..].Clear();
    }

    private static int RoundUp(int count, int multiple) => (count + multiple - 1) / multiple * multiple;
}
