using System.Buffers;
using Convoy.Torch.Interpolation;
using Convoy.Torch.Kernels;

namespace Convoy.Lanes.Losses;

/// <summary>
/// <see cref="LaneLoss"/> of a batch and its gradient in one pass over the pixels, from the differences of the logits at their own,
/// smaller size. Images are cut into bands of rows; which ones there are depends on the shapes alone, and what they give is added up
/// in their order, so that the number of threads changes no bit.
/// </summary>
/// <param name="height">Rows of the logits.</param>
/// <param name="width">Columns of the logits.</param>
/// <param name="imageHeight">Rows of the masks.</param>
/// <param name="imageWidth">Columns of the masks.</param>
/// <param name="background">Weight of a background pixel in the cross entropy.</param>
/// <param name="lane">Weight of a lane pixel.</param>
internal sealed unsafe class LaneLossKernel(int height, int width, int imageHeight, int imageWidth, double background, double lane)
{
    // A band's maps and rows stay in a core's cache.
    private const int BandRows = 32;

    private readonly BilinearTaps _rows = new(height, imageHeight);
    private readonly BilinearTaps _columns = new(width, imageWidth);
    private readonly int _bands = (imageHeight + BandRows - 1) / BandRows;

    /// <summary>Computes the mean loss of the images and its gradient.</summary>
    /// <param name="differences">[images, height, width]: the lane's logit less the background's.</param>
    /// <param name="masks">[images, imageHeight, imageWidth]: 0 for background.</param>
    /// <param name="gradient">Receives the gradient with respect to <paramref name="differences"/>.</param>
    /// <param name="images">How many images; at least 1.</param>
    /// <param name="threads">How many threads may work.</param>
    public double Compute(float* differences, byte* masks, float* gradient, int images, int threads)
    {
        int bandMapRows = Enumerable.Range(0, _bands).Max(band => MapRows(band).Count), bandNumbers = LaneLossMaps.Count * bandMapRows * width;
        var sums = new LaneSums[images * _bands];
        var losses = new double[images];
        float[] buffer = ArrayPool<float>.Shared.Rent(sums.Length * bandNumbers);
        nint from = (nint)differences, truth = (nint)masks, to = (nint)gradient; // Lambdas cannot hold pointers.
        fixed (float* start = buffer)
        {
            nint maps = (nint)start;
            LaneLossMaps Maps(int piece) => new(maps + (piece * (nint)bandNumbers * sizeof(float)), MapRows(piece % _bands).First, bandMapRows, width);
            Parallelism.Run(sums.Length, threads, piece =>
            {
                new Span<float>((float*)Maps(piece).Start, bandNumbers).Clear();
                int image = piece / _bands;
                sums[piece] = Band((float*)from + ((long)image * height * width), (byte*)truth + ((long)image * imageHeight * imageWidth), piece % _bands, Maps(piece));
            });
            Parallelism.Run(images, threads, image =>
                losses[image] = Combine((float*)to + ((long)image * height * width), sums.AsSpan(image * _bands, _bands), band => Maps((image * _bands) + band), images));
        }

        ArrayPool<float>.Shared.Return(buffer);
        return losses.Average();
    }

    // The rows of the logits that a band's rows are interpolated from.
    private (int First, int Count) MapRows(int band)
    {
        int first = _rows.First[band * BandRows], last = _rows.Second[Math.Min(imageHeight, (band + 1) * BandRows) - 1];
        return (first, last - first + 1);
    }

    private LaneSums Band(float* differences, byte* mask, int band, LaneLossMaps maps)
    {
        using var row = new LaneLossRow(_columns, (float)background, (float)lane);
        LaneSums sums = default;
        for (int y = band * BandRows, end = Math.Min(imageHeight, y + BandRows); y < end; y++)
        {
            int first = _rows.First[y], second = _rows.Second[y];
            sums += row.Forward(differences + ((long)first * width), differences + ((long)second * width), _rows.SecondWeight[y], mask + ((long)y * imageWidth));
            row.Backward(maps, first, second, _rows.SecondWeight[y]);
        }

        return sums;
    }

    // The loss of one image, and its gradient from the maps of its bands.
    private double Combine(float* gradient, ReadOnlySpan<LaneSums> bands, Func<int, LaneLossMaps> maps, int images)
    {
        LaneSums sums = default;
        foreach (LaneSums band in bands)
        {
            sums += band;
        }

        long pixels = (long)imageHeight * imageWidth;
        double weights = (lane * sums.LanePixels) + (background * (pixels - sums.LanePixels));
        double overlap = (2 * sums.Overlap) + 1, union = sums.Probability + sums.LanePixels + 1;
        float ofEntropy = (float)(1 / (weights * images)), ofOverlap = (float)(-2 / (union * images)), ofProbability = (float)(overlap / (union * union * images));
        new Span<float>(gradient, height * width).Clear();
        for (int band = 0; band < bands.Length; band++)
        {
            (int first, int count) = MapRows(band);
            LaneLossMaps part = maps(band);
            for (int row = first; row < first + count; row++)
            {
                float* to = gradient + ((long)row * width), entropy = part.Row(0, row), atLane = part.Row(1, row), everywhere = part.Row(2, row);
                for (int i = 0; i < width; i++)
                {
                    to[i] += (ofEntropy * entropy[i]) + (ofOverlap * atLane[i]) + (ofProbability * everywhere[i]);
                }
            }
        }

        return (sums.Entropy / weights) + 1 - (overlap / union);
    }
}
