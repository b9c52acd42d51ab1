using Convoy.Distributed.Kernels;

namespace Convoy.Lanes.Convolution;

/// <summary>
/// 3x3 convolution with padding 1 of channels-last images by Winograd's F(4x4, 3x3): a tile of 4x4 results and a pair of channels take 36
/// multiplications in place of 144. Arithmetic is in float32 whatever the images' type is.
/// </summary>
/// <remarks>
/// A block of tiles goes through all three steps (to the points, a matrix product for each point, back) before the next one, so that what lies
/// between them stays in the cache. Every block's results depend on its tiles alone, so threads change nothing.
/// </remarks>
/// <typeparam name="TElements">How elements of the images are read and written.</typeparam>
internal static unsafe class WinogradKernel<TElements>
    where TElements : IElements<float>
{
    // Tiles of a block. The fewer, the more of what lies between the steps is still in the second-level cache; but each block goes through all filters once, so
    // those that do not fit into the last-level cache, and the sums of their gradients, want more.
    private const int FewTiles = 2 * MatrixKernel.Rows;
    private const int ManyTiles = 8 * MatrixKernel.Rows;
    private const int CachedNumbers = 1 << 22;

    /// <summary>Convolves.</summary>
    /// <param name="images">[N, H, W, C].</param>
    /// <param name="filter">The filters at the points, as <see cref="WinogradFilter"/> makes them.</param>
    /// <param name="result">[N, H, W, K].</param>
    /// <param name="shape">N, H and W.</param>
    /// <param name="inChannels">C.</param>
    /// <param name="outChannels">K.</param>
    /// <param name="threads">How many threads may work.</param>
    public static void Convolve(byte* images, float* filter, byte* result, WinogradShape shape, int inChannels, int outChannels, int threads)
    {
        nint from = (nint)images, filters = (nint)filter, to = (nint)result; // Lambdas cannot hold pointers.
        PointMatrices filterLayout = WinogradFilter.Layout(inChannels, outChannels);
        int block = filterLayout.Count <= CachedNumbers ? FewTiles : ManyTiles, blocks = (shape.Tiles + block - 1) / block, workers = Math.Min(threads, blocks);
        PointMatrices inputs = PointMatrices.Of(block, inChannels), products = PointMatrices.Of(block, outChannels);
        Parallelism.Run(workers, workers, worker =>
        {
            using var buffer = new AlignedBuffer(inputs.Count + products.Count);
            float* input = buffer.Start, product = buffer.Start + inputs.Count;
            for (int i = worker; i < blocks; i += workers)
            {
                int first = i * block, tiles = Math.Min(block, shape.Tiles - first);
                WinogradTiles<TElements>.Input((byte*)from, shape, inChannels, first, tiles, input, inputs);
                for (int point = 0; point < WinogradShape.Points; point++)
                {
                    Multiply(
                        input + (point * inputs.Point), inputs.Row, (float*)filters + (point * filterLayout.Point), product + (point * products.Point), products.Row, tiles, inChannels, outChannels);
                }

                WinogradTiles<TElements>.Output(product, products, shape, outChannels, first, tiles, (byte*)to);
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
        nint from = (nint)images, beside = (nint)gradient;
        int rows = (outChannels + MatrixKernel.Rows - 1) / MatrixKernel.Rows * MatrixKernel.Rows;
        PointMatrices inputs = PointMatrices.Of(ManyTiles, inChannels), outputs = PointMatrices.Of(ManyTiles, outChannels), sums = PointMatrices.Of(rows, inChannels);
        using var buffer = new AlignedBuffer(inputs.Count + outputs.Count + sums.Count);
        nint input = (nint)buffer.Start, output = (nint)(buffer.Start + inputs.Count), sum = (nint)(buffer.Start + inputs.Count + outputs.Count);
        for (int first = 0; first < shape.Tiles; first += ManyTiles)
        {
            int start = first, tiles = Math.Min(ManyTiles, shape.Tiles - first), pieces = (tiles + MatrixKernel.Rows - 1) / MatrixKernel.Rows;
            Parallelism.Run(pieces, threads, piece =>
            {
                int offset = piece * MatrixKernel.Rows, count = Math.Min(MatrixKernel.Rows, tiles - offset);
                WinogradTiles<TElements>.Input((byte*)from, shape, inChannels, start + offset, count, (float*)input + (offset * inputs.Row), inputs);
                WinogradTiles<TElements>.OutputGradient((byte*)beside, shape, outChannels, start + offset, count, (float*)output + (offset * outputs.Row), outputs);
            });
            Parallelism.Run(WinogradShape.Points, threads, point =>
            {
                float* a = (float*)output + (point * outputs.Point), b = (float*)input + (point * inputs.Point), c = (float*)sum + (point * sums.Point);
                for (int channel = 0; channel < inChannels; channel += MatrixKernel.Columns)
                {
                    for (int k = 0; k < outChannels; k += MatrixKernel.Rows)
                    {
                        MatrixKernel.Multiply(a + k, 1, outputs.Row, b + channel, inputs.Row, tiles, c + (k * sums.Row) + channel, sums.Row, add: start > 0);
                    }
                }
            });
        }

        WinogradFilter.Gradient((float*)sum, sums, outChannels, inChannels, filterGradient, threads);
    }

    private static void Multiply(float* input, nint inputRow, float* filter, float* product, nint productRow, int tiles, int inChannels, int outChannels)
    {
        int columns = MatrixKernel.Columns;
        for (int channel = 0; channel < outChannels; channel += columns)
        {
            // Rows beyond the tiles hold what was there before; nobody reads what comes of them.
            for (int tile = 0; tile < tiles; tile += MatrixKernel.Rows)
            {
                MatrixKernel.Multiply(
                    input + (tile * inputRow), inputRow, 1, filter + ((long)channel * inChannels), columns, inChannels, product + (tile * productRow) + channel, productRow, add: false);
            }
        }
    }
}
