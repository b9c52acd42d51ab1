using Convoy.Torch.Kernels;

namespace Convoy.Torch.Winograd;

/// <summary>Winograd's kernel for a type of images and a width of vectors: <see cref="WinogradKernel{TElements, TLanes}"/>.</summary>
internal unsafe interface IWinogradKernel
{
    /// <summary>Convolves.</summary>
    /// <param name="images">[N, H, W, C].</param>
    /// <param name="filter">From C terms to K results.</param>
    /// <param name="bias">[K], which is added; null for none.</param>
    /// <param name="result">[N, H, W, K].</param>
    /// <param name="shape">N, H and W.</param>
    /// <param name="blocking">How the work is cut.</param>
    /// <param name="threads">How many threads may work.</param>
    /// <param name="points">What <see cref="Transform"/> made of the filters, for a blocking with all results and terms; null to make it now.</param>
    void Convolve(byte* images, WinogradFilter filter, float* bias, byte* result, WinogradShape shape, WinogradBlocking blocking, int threads, AlignedBuffer<float>? points = null);

    /// <summary>Filters at their points.</summary>
    /// <param name="filter">The filters.</param>
    /// <param name="threads">How many threads may work.</param>
    AlignedBuffer<float> Transform(WinogradFilter filter, int threads);

    /// <summary>The gradient of the filters.</summary>
    /// <param name="images">[N, H, W, C].</param>
    /// <param name="gradient">Of the result, [N, H, W, K].</param>
    /// <param name="filterGradient">Receives [K, 3, 3, C].</param>
    /// <param name="shape">N, H and W.</param>
    /// <param name="inChannels">C.</param>
    /// <param name="outChannels">K.</param>
    /// <param name="blocking">How the work is cut.</param>
    /// <param name="threads">How many threads may work.</param>
    void FilterGradient(byte* images, byte* gradient, float* filterGradient, WinogradShape shape, int inChannels, int outChannels, WinogradBlocking blocking, int threads);
}

/// <summary>
/// 3x3 convolution with padding 1 of channels-last images by Winograd's F(4x4, 3x3): a tile of 4x4 results and a pair of channels take 36
/// multiplications in place of 144. Arithmetic is in float32 whatever the images' type is.
/// </summary>
/// <remarks>
/// A part of the work goes through all three steps (to the points, a matrix product for each point, back) before the next one. A tile's results
/// depend on its window alone, and gradients of filters are added up in the order of the tiles,
/// <see cref="WinogradBlocking.SumTiles"/> at a time: threads, blocking and the vectors' width change nothing.
/// </remarks>
/// <typeparam name="TElements">How elements of the images are read and written.</typeparam>
/// <typeparam name="TLanes">The vectors.</typeparam>
internal sealed unsafe class WinogradKernel<TElements, TLanes> : IWinogradKernel
    where TElements : IImageElements
    where TLanes : unmanaged, ILanes<TLanes>
{
    // Tiles that a thread brings to their points before it takes more.
    private const int PieceTiles = 6;

    private static int Columns => MatrixKernel<TLanes>.Columns;

    /// <inheritdoc/>
    public void Convolve(byte* images, WinogradFilter filter, float* bias, byte* result, WinogradShape shape, WinogradBlocking blocking, int threads, AlignedBuffer<float>? points = null)
    {
        if (blocking.Results == filter.Results && blocking.Terms == filter.Terms)
        {
            using AlignedBuffer<float>? own = points is null ? Transform(filter, threads) : null;
            ConvolveByTiles(images, filter, (points ?? own!).Start, bias, result, shape, blocking.Tiles, threads);
        }
        else
        {
            ConvolveByChannels(images, filter, bias, result, shape, blocking, threads);
        }
    }

    /// <inheritdoc/>
    public void FilterGradient(
        byte* images, byte* gradient, float* filterGradient, WinogradShape shape, int inChannels, int outChannels, WinogradBlocking blocking, int threads)
    {
        int partTiles = Math.Min(blocking.Tiles, shape.Tiles), groups = (outChannels + blocking.Results - 1) / blocking.Results;
        PointMatrices inputs = PointMatrices.LayOut(partTiles, inChannels), outputs = PointMatrices.LayOut(partTiles, outChannels);
        PointMatrices sums = PointMatrices.LayOut(blocking.Results, inChannels);
        using var buffer = new AlignedBuffer<float>(inputs.Count + outputs.Count);
        float* input = buffer.Start, output = buffer.Start + inputs.Count;
        if (groups == 1)
        {
            using var sum = new AlignedBuffer<float>(sums.Count);
            for (int first = 0; first < shape.Tiles; first += partTiles)
            {
                int tiles = Math.Min(partTiles, shape.Tiles - first);
                BringToPoints(images, gradient, shape, inChannels, outChannels, first, tiles, input, inputs, output, outputs, threads);
                AddProducts(output, outputs, input, inputs, sum.Start, sums, tiles, inChannels, outChannels, add: first > 0, threads);
            }

            WinogradFilterPoints<TLanes>.Gradient(sum.Start, sums, outChannels, inChannels, filterGradient, threads);
            return;
        }

        // All tiles at once, so that a few output channels can be finished.
        BringToPoints(images, gradient, shape, inChannels, outChannels, 0, shape.Tiles, input, inputs, output, outputs, threads);
        nint inputStart = (nint)input, outputStart = (nint)output, to = (nint)filterGradient;
        int workers = Math.Min(threads, groups);
        Parallelism.Run(workers, workers, worker =>
        {
            using var sum = new AlignedBuffer<float>(sums.Count);
            for (int group = worker; group < groups; group += workers)
            {
                int channel = group * blocking.Results, channels = Math.Min(blocking.Results, outChannels - channel);
                AddProducts((float*)outputStart + channel, outputs, (float*)inputStart, inputs, sum.Start, sums, shape.Tiles, inChannels, channels, add: false, threads: 1);
                WinogradFilterPoints<TLanes>.Gradient(sum.Start, sums, channels, inChannels, (float*)to + ((long)channel * WinogradFilter.Taps * WinogradFilter.Taps * inChannels), threads: 1);
            }
        });
    }

    /// <inheritdoc/>
    public AlignedBuffer<float> Transform(WinogradFilter filter, int threads)
    {
        PointMatrices layout = WinogradFilterPoints<TLanes>.Layout(filter.Terms, filter.Results);
        var points = new AlignedBuffer<float>(layout.Count);
        WinogradFilterPoints<TLanes>.Transform(filter, 0, filter.Terms, 0, filter.Results, points.Start, layout, threads);
        return points;
    }

    // All filters are at their points; a few tiles at a time.
    private static void ConvolveByTiles(byte* images, WinogradFilter filter, float* points, float* bias, byte* result, WinogradShape shape, int partTiles, int threads)
    {
        nint from = (nint)images, add = (nint)bias, to = (nint)result; // Lambdas cannot hold pointers.
        int terms = filter.Terms, results = filter.Results;
        int parts = (shape.Tiles + partTiles - 1) / partTiles, workers = Math.Min(threads, parts);
        PointMatrices inputs = PointMatrices.LayOut(partTiles, terms), products = PointMatrices.LayOut(partTiles, results), filters = WinogradFilterPoints<TLanes>.Layout(terms, results);
        int taken = -1; // A thread that comes late leaves its share to the others.
        nint filterStart = (nint)points;
        Parallelism.Run(workers, workers, worker =>
        {
            using var buffer = new AlignedBuffer<float>(inputs.Count + products.Count);
            float* input = buffer.Start, product = buffer.Start + inputs.Count;
            for (int part = Interlocked.Increment(ref taken); part < parts; part = Interlocked.Increment(ref taken))
            {
                int first = part * partTiles, tiles = Math.Min(partTiles, shape.Tiles - first);
                WinogradTiles<TElements, TLanes>.Input((byte*)from, shape, terms, first, tiles, input, inputs);
                Multiply(input, inputs, (float*)filterStart, filters, product, products, tiles, terms, results, MatrixSum.Begin);
                WinogradTiles<TElements, TLanes>.Output(product, products, shape, results, 0, results, first, tiles, (float*)add, (byte*)to);
            }
        });
    }

    // Many tiles at their points, then a few results at a time, whose filters go to their points for these tiles.
    private static void ConvolveByChannels(byte* images, WinogradFilter filter, float* bias, byte* result, WinogradShape shape, WinogradBlocking blocking, int threads)
    {
        nint from = (nint)images, add = (nint)bias, to = (nint)result;
        int terms = filter.Terms, results = filter.Results, partTiles = Math.Min(blocking.Tiles, shape.Tiles);
        int groups = (results + blocking.Results - 1) / blocking.Results, workers = Math.Min(threads, groups);
        PointMatrices inputs = PointMatrices.LayOut(partTiles, terms), products = PointMatrices.LayOut(partTiles, blocking.Results);
        PointMatrices filters = WinogradFilterPoints<TLanes>.Layout(blocking.Terms, blocking.Results);
        using var points = new AlignedBuffer<float>(inputs.Count);
        float* input = points.Start;
        nint inputStart = (nint)input;
        for (int first = 0; first < shape.Tiles; first += partTiles)
        {
            int firstTile = first, tiles = Math.Min(partTiles, shape.Tiles - first);
            Parallelism.Run((tiles + PieceTiles - 1) / PieceTiles, threads, piece =>
            {
                int offset = piece * PieceTiles;
                WinogradTiles<TElements, TLanes>.Input((byte*)from, shape, terms, firstTile + offset, Math.Min(PieceTiles, tiles - offset), (float*)inputStart + (offset * inputs.Row), inputs);
            });
            Parallelism.Run(workers, workers, worker =>
            {
                using var buffer = new AlignedBuffer<float>(filters.Count + products.Count);
                float* own = buffer.Start, product = buffer.Start + filters.Count;
                for (int group = worker; group < groups; group += workers)
                {
                    int channel = group * blocking.Results, channels = Math.Min(blocking.Results, results - channel);
                    for (int term = 0; term < terms; term += blocking.Terms)
                    {
                        int count = Math.Min(blocking.Terms, terms - term);
                        WinogradFilterPoints<TLanes>.Transform(filter, term, count, channel, channels, own, filters, threads: 1);
                        Multiply((float*)inputStart + term, inputs, own, filters, product, products, tiles, count, channels, term == 0 ? MatrixSum.Begin : MatrixSum.Continue);
                    }

                    WinogradTiles<TElements, TLanes>.Output(product, products, shape, results, channel, channels, firstTile, tiles, (float*)add, (byte*)to);
                }
            });
        }
    }

    private static void BringToPoints(
        byte* images, byte* gradient, WinogradShape shape, int inChannels, int outChannels, int first, int tiles, float* input, PointMatrices inputs, float* output, PointMatrices outputs, int threads)
    {
        nint from = (nint)images, beside = (nint)gradient, inputStart = (nint)input, outputStart = (nint)output;
        Parallelism.Run((tiles + PieceTiles - 1) / PieceTiles, threads, piece =>
        {
            int offset = piece * PieceTiles, count = Math.Min(PieceTiles, tiles - offset);
            WinogradTiles<TElements, TLanes>.Input((byte*)from, shape, inChannels, first + offset, count, (float*)inputStart + (offset * inputs.Row), inputs);
            WinogradTiles<TElements, TLanes>.OutputGradient((byte*)beside, shape, outChannels, first + offset, count, (float*)outputStart + (offset * outputs.Row), outputs);
        });
    }

    // A matrix of tiles by output channels, from one of tiles by terms and the filters, for each point.
    private static void Multiply(
        float* input, PointMatrices inputs, float* filter, PointMatrices filters, float* product, PointMatrices products, int tiles, int terms, int channels, MatrixSum sum)
    {
        for (int point = 0; point < WinogradShape.Points; point++)
        {
            // Rows beyond the tiles hold what was there before; nobody reads what comes of them.
            int channel = 0;
            for (; channel + Columns <= channels; channel += Columns)
            {
                MatrixKernel<TLanes>.Multiply(input, inputs.Row, 1, filter + ((long)channel * terms), Columns, tiles, terms, product + channel, products.Row, sum);
            }

            if (channel < channels)
            {
                MatrixKernel<Lanes256>.Multiply(input, inputs.Row, 1, filter + ((long)channel * terms), channels - channel, tiles, terms, product + channel, products.Row, sum);
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
            bool more = add;
            for (int tile = 0; tile < tiles; tile += WinogradBlocking.SumTiles, more = true)
            {
                int count = Math.Min(WinogradBlocking.SumTiles, tiles - tile), channel = 0;
                MatrixSum how = more ? MatrixSum.Add : MatrixSum.Begin;
                for (; channel + Columns <= inChannels; channel += Columns)
                {
                    MatrixKernel<TLanes>.Multiply(a, 1, outputs.Row, b + channel, inputs.Row, channels, count, c + channel, sums.Row, how);
                }

                if (channel < inChannels)
                {
                    MatrixKernel<Lanes256>.Multiply(a, 1, outputs.Row, b + channel, inputs.Row, channels, count, c + channel, sums.Row, how);
                }

                a += count * outputs.Row;
                b += count * inputs.Row;
            }
        });
    }
}
