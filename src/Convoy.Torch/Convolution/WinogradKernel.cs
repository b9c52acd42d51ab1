using System.Runtime.InteropServices;
using Convoy.Torch.Kernels;

namespace Convoy.Torch.Convolution;

/// <summary>
/// 3x3 convolution with padding 1 of channels-last images by Winograd's F(4x4, 3x3): a tile of 4x4 results and a pair of channels take 36
/// multiplications in place of 144. Arithmetic is in float32 whatever the images' type is.
/// </summary>
/// <remarks>
/// A part of the work goes through all three steps (to the points, a matrix product for each point, back) before the next one. A tile's results
/// depend on its window alone, and gradients of filters are added up in the order of the tiles, so threads change nothing.
/// </remarks>
/// <typeparam name="TElements">How elements of the images are read and written.</typeparam>
internal static unsafe class WinogradKernel<TElements>
    where TElements : IElements<float>
{
    /// <summary>Convolves.</summary>
    /// <param name="images">[N, H, W, C].</param>
    /// <param name="filter">From C terms to K results.</param>
    /// <param name="bias">[K], which is added; null for none.</param>
    /// <param name="result">[N, H, W, K].</param>
    /// <param name="shape">N, H and W.</param>
    /// <param name="threads">How many threads may work.</param>
    public static void Convolve(byte* images, WinogradFilter filter, float* bias, byte* result, WinogradShape shape, int threads)
    {
        nint from = (nint)images, add = (nint)bias, to = (nint)result; // Lambdas cannot hold pointers.
        WinogradBlocking blocking = WinogradBlocking.ForOutput(filter.Terms, filter.Results);
        int parts = (shape.Tiles + blocking.Tiles - 1) / blocking.Tiles, workers = Math.Min(threads, parts);
        PointMatrices inputs = PointMatrices.LayOut(blocking.Tiles, filter.Terms), products = PointMatrices.LayOut(blocking.Tiles, blocking.OutChannels), filters = filter.Layout(blocking.OutChannels);
        bool whole = blocking.OutChannels == filter.Results;
        using var shared = new AlignedBuffer(whole ? filters.Count : 0);
        nint sharedFilters = (nint)shared.Start;
        if (whole)
        {
            filter.Transform(0, filter.Results, shared.Start, filters, threads);
        }

        Parallelism.Run(workers, workers, worker =>
        {
            using var buffer = new AlignedBuffer(inputs.Count + products.Count + (whole ? 0 : filters.Count));
            float* input = buffer.Start, product = buffer.Start + inputs.Count, own = whole ? (float*)sharedFilters : product + products.Count;
            for (int part = worker; part < parts; part += workers)
            {
                int first = part * blocking.Tiles, tiles = Math.Min(blocking.Tiles, shape.Tiles - first);
                WinogradTiles<TElements>.Input((byte*)from, shape, filter.Terms, first, tiles, input, inputs);
                for (int channel = 0; channel < filter.Results; channel += blocking.OutChannels)
                {
                    int channels = Math.Min(blocking.OutChannels, filter.Results - channel);
                    if (!whole)
                    {
                        filter.Transform(channel, channels, own, filters, threads: 1);
                    }

                    Multiply(input, inputs, own, filters, product, products, tiles, filter.Terms, channels);
                    WinogradTiles<TElements>.Output(product, products, shape, filter.Results, channel, channels, first, tiles, (float*)add, (byte*)to);
                }
            }
        });
    }

    /// <summary>The gradient of the filters.</summary>
    /// <param name="images">[N, H, W, C].</param>
    /// <param name="gradient">Of the result, [N, H, W, K].</param>
    /// <param name="filterGradient">Receives [K, 3, 3, C].</param>
    /// <param name="shape">N, H and W.</param>
    /// <param name="inChannels">C.</param>
    /// <param name="outChannels">K.</param>
    /// <param name="threads">How many threads may work.</param>
    public static void FilterGradient(byte* images, byte* gradient, float* filterGradient, WinogradShape shape, int inChannels, int outChannels, int threads)
    {
        WinogradBlocking blocking = WinogradBlocking.ForFilterGradient(inChannels, outChannels);
        int rows = (blocking.OutChannels + MatrixKernel.Rows - 1) / MatrixKernel.Rows * MatrixKernel.Rows;
        bool whole = blocking.OutChannels == outChannels;
        PointMatrices inputs = PointMatrices.LayOut(blocking.Tiles, inChannels), outputs = PointMatrices.LayOut(blocking.Tiles, outChannels), sums = PointMatrices.LayOut(rows, inChannels);
        using var buffer = new AlignedBuffer(inputs.Count + outputs.Count + sums.Count);
        float* input = buffer.Start, output = buffer.Start + inputs.Count, sum = output + outputs.Count;
        for (int first = 0; first < shape.Tiles; first += blocking.Tiles)
        {
            int tiles = Math.Min(blocking.Tiles, shape.Tiles - first);
            BringToPoints(images, gradient, shape, inChannels, outChannels, first, tiles, input, inputs, output, outputs, threads);
            for (int channel = 0; channel < outChannels; channel += blocking.OutChannels)
            {
                int channels = Math.Min(blocking.OutChannels, outChannels - channel);
                AddProducts(output + channel, outputs, input, inputs, sum, sums, tiles, inChannels, channels, add: whole && first > 0, threads);
                if (!whole || first + tiles == shape.Tiles)
                {
                    // All at once at the end, or a few channels' for these tiles.
                    WinogradFilter.Gradient(sum, sums, channels, inChannels, filterGradient + ((long)channel * WinogradFilter.Taps * WinogradFilter.Taps * inChannels), add: !whole && first > 0, threads);
                }
            }
        }
    }

    private static void BringToPoints(
        byte* images, byte* gradient, WinogradShape shape, int inChannels, int outChannels, int first, int tiles, float* input, PointMatrices inputs, float* output, PointMatrices outputs, int threads)
    {
        nint from = (nint)images, beside = (nint)gradient, inputStart = (nint)input, outputStart = (nint)output;
        Parallelism.Run((tiles + MatrixKernel.Rows - 1) / MatrixKernel.Rows, threads, piece =>
        {
            int offset = piece * MatrixKernel.Rows, count = Math.Min(MatrixKernel.Rows, tiles - offset);
            WinogradTiles<TElements>.Input((byte*)from, shape, inChannels, first + offset, count, (float*)inputStart + (offset * inputs.Row), inputs);
            WinogradTiles<TElements>.OutputGradient((byte*)beside, shape, outChannels, first + offset, count, (float*)outputStart + (offset * outputs.Row), outputs);
        });
    }

    // A matrix of tiles by output channels, from one of tiles by terms and the filters, for each point.
    private static void Multiply(
        float* input, PointMatrices inputs, float* filter, PointMatrices filters, float* product, PointMatrices products, int tiles, int terms, int channels)
    {
        int columns = MatrixKernel.Columns;
        for (int point = 0; point < WinogradShape.Points; point++)
        {
            for (int channel = 0; channel < channels; channel += columns)
            {
                float* panel = filter + ((long)channel * terms);

                // Rows beyond the tiles hold what was there before; nobody reads what comes of them.
                for (int tile = 0; tile < tiles; tile += MatrixKernel.Rows)
                {
                    MatrixKernel.Multiply(
                        input + (tile * inputs.Row), inputs.Row, 1, panel, columns, terms, product + (tile * products.Row) + channel, products.Row, add: false);
                }
            }

            input += inputs.Point;
            filter += filters.Point;
            product += products.Point;
        }
    }

    // A matrix of output channels by input channels for each point: sums over the tiles. Rows beyond the channels hold what nobody reads.
    private static void AddProducts(
        float* output, PointMatrices outputs, float* input, PointMatrices inputs, float* sum, PointMatrices sums, int tiles, int inChannels, int channels, bool add, int threads)
    {
        nint outputStart = (nint)output, inputStart = (nint)input, sumStart = (nint)sum;
        Parallelism.Run(WinogradShape.Points, threads, point =>
        {
            float* a = (float*)outputStart + (point * outputs.Point), b = (float*)inputStart + (point * inputs.Point), c = (float*)sumStart + (point * sums.Point);
            for (int channel = 0; channel < inChannels; channel += MatrixKernel.Columns)
            {
                for (int k = 0; k < channels; k += MatrixKernel.Rows)
                {
                    MatrixKernel.Multiply(a + k, 1, outputs.Row, b + channel, inputs.Row, tiles, c + (k * sums.Row) + channel, sums.Row, add);
                }
            }
        });
    }
}

/// <summary>How much of the work goes through all its steps before the next part, so that what lies between the steps stays in a cache.</summary>
/// <param name="Tiles">Tiles of a part; a multiple of <see cref="MatrixKernel.Rows"/>.</param>
/// <param name="OutChannels">Output channels of a part; a multiple of <see cref="MatrixKernel.Columns"/> and of <see cref="MatrixKernel.Rows"/>, or all of them.</param>
/// <remarks>
/// Filters at their points take four times their memory. As long as all of them stay in the last-level cache, the parts are a few tiles. Larger ones are brought to
/// their points a few output channels at a time, again for each part of the tiles. The numbers are those that were fastest in the lane detector's layers.
/// </remarks>
internal readonly record struct WinogradBlocking(int Tiles, int OutChannels)
{
    private const int FewTiles = 2 * MatrixKernel.Rows;
    private const int SomeTiles = 8 * MatrixKernel.Rows;

    // 16 MiB of filters at their points.
    private const long CachedNumbers = 1 << 22;

    // 48 with vectors of 256 bits.
    private static readonly int FewChannels = 3 * MatrixKernel.Columns;

    /// <summary>For a convolution.</summary>
    /// <param name="inChannels">C.</param>
    /// <param name="outChannels">K.</param>
    public static WinogradBlocking ForOutput(int inChannels, int outChannels) => Choose(inChannels, outChannels, FewTiles);

    /// <summary>For the filters' gradient, which each part of the tiles adds to.</summary>
    /// <inheritdoc cref="ForOutput"/>
    public static WinogradBlocking ForFilterGradient(int inChannels, int outChannels) => Choose(inChannels, outChannels, SomeTiles);

    private static WinogradBlocking Choose(int inChannels, int outChannels, int tiles) =>
        (long)WinogradShape.Points * inChannels * outChannels <= CachedNumbers ? new(tiles, outChannels) : new(SomeTiles, Math.Min(FewChannels, outChannels));
}

/// <summary>float32 memory outside the garbage collector, on a cache line's border, not cleared.</summary>
internal sealed unsafe class AlignedBuffer : IDisposable
{
    private const int CacheLine = 64;
    private void* _memory;

    /// <summary>Takes memory.</summary>
    /// <param name="count">Numbers.</param>
    public AlignedBuffer(long count)
    {
        // Not AlignedAlloc, whose memory glibc cannot give to the next that asks for as much (TensorAllocator says why).
        _memory = NativeMemory.Alloc(((nuint)count * sizeof(float)) + CacheLine);
        Start = (float*)(((nint)_memory + CacheLine - 1) & -CacheLine);
    }

    /// <summary>The first number.</summary>
    public float* Start { get; private set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.Free(_memory);
        _memory = null;
        Start = null;
    }
}
